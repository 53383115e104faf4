//! IST9002: a path prefix that also takes longer words.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};
use crate::dialects::istio::types::HttpMatchRequest;
use crate::dialects::object::Meta;
use crate::schema::{List, Text};

declare_code! {
    /// A path prefix that also takes longer words
    ///
    /// ## Why
    ///
    /// A prefix is compared letter by letter, not by path segments: `/api/v1` also takes `/api/v10` and `/api/v1beta`.
    /// With a version number at the end this sends requests of the next version to the old one (a warning); after a word
    /// it is mostly harmless (an information).
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - match:
    ///     - uri:
    ///         prefix: /api/v1
    ///     route:
    ///     - destination:
    ///         host: web
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - match:
    ///     - uri:
    ///         exact: /api/v1
    ///     - uri:
    ///         prefix: /api/v1/
    ///     route:
    ///     - destination:
    ///         host: web
    /// ```
    ///
    /// ## Fix
    ///
    /// End the prefix with `/`, and add an exact match when the path without `/` is meant too.
    pub PREFIX_TAKES_LONGER_WORDS = "IST9002", "PrefixTakesLongerWords", Warning
}

/// Checks the path prefixes of every VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.RawPrefix",
    summary: "Path prefixes end at a segment",
    codes: &[&PREFIX_TAKES_LONGER_WORDS],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.virtual_services {
        for route in &object.spec.http {
            for condition in &route.r#match {
                let prefix = condition.uri.as_ref().and_then(|uri| uri.prefix.as_ref());
                if let Some(prefix) = prefix {
                    check(&object.meta, prefix, &route.r#match, sink);
                }
            }
        }
    }
}

fn check(meta: &Meta, prefix: &Text, beside: &List<HttpMatchRequest>, sink: &mut Sink) {
    let text = prefix.as_str();
    let Some(last) = text.chars().last().filter(|last| last.is_alphanumeric()) else { return };
    let (example, level) = match last {
        '0'..='9' => (format!("{text}0"), Level::Warning),
        's' => (format!("{text}-old"), Level::Info),
        _ => (format!("{text}s"), Level::Info),
    };
    let has_exact =
        beside.iter().any(|m| m.uri.as_ref().and_then(|u| u.exact.as_ref()).is_some_and(|e| e.as_str() == text));
    let exact = if has_exact { String::new() } else { format!(", and add `exact: {text}` if that path is meant too") };
    sink.report(
        &PREFIX_TAKES_LONGER_WORDS,
        meta,
        prefix.span(),
        format!("The prefix {text:?} is compared letter by letter, so it also takes {example:?}."),
    )
    .level(level)
    .label(format!("also takes {example}"))
    .help(format!("write `prefix: {text}/`{exact}"));
}

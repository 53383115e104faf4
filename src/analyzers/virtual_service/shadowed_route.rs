//! IST9003: conditions that an earlier, wider route takes, beyond the cases of IST0130 and IST0131.

use std::collections::HashMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::route_match::{canonical_http, covers, covers_by_prefix};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Comparison, HttpMatchRequest, HttpRoute, StringMatch, VirtualService};
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// A route that an earlier one shadows
    ///
    /// ## Why
    ///
    /// The first route that matches wins. Every request that fits this condition fits an earlier one that asks for less:
    /// a prefix before an exact path, an expression before a prefix, a route without the header. So this route is never
    /// used, although it looks more specific.
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
    ///         prefix: /api/
    ///     route:
    ///     - destination:
    ///         host: web
    ///   - match:
    ///     - uri:
    ///         prefix: /api/
    ///       headers:
    ///         x-canary:
    ///           exact: "true" # never tried
    ///     route:
    ///     - destination:
    ///         host: web-canary
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
    ///         prefix: /api/
    ///       headers:
    ///         x-canary:
    ///           exact: "true"
    ///     route:
    ///     - destination:
    ///         host: web-canary
    ///   - match:
    ///     - uri:
    ///         prefix: /api/
    ///     route:
    ///     - destination:
    ///         host: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the narrow route before the wide one.
    pub SHADOWED_ROUTE = "IST9003", "ShadowedRoute", Warning
}

/// Compares the conditions of the HTTP routes of each VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.ShadowedRoute",
    summary: "No route is shadowed by an earlier one",
    codes: &[&SHADOWED_ROUTE],
    run,
    default: true,
};

/// Earlier conditions without an indexable path that are compared at most, to keep long lists linear.
const COMPARED: usize = 256;

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.virtual_services {
        check(object, sink);
    }
}

/// An earlier condition.
#[derive(Clone, Copy)]
struct Earlier<'v> {
    at: usize,
    route: &'v HttpRoute,
    condition: &'v HttpMatchRequest,
}

/// Earlier conditions by the path that they ask for.
#[derive(Default)]
struct Index<'v> {
    by_prefix: HashMap<&'v str, Vec<Earlier<'v>>>,
    by_path: HashMap<&'v str, Vec<Earlier<'v>>>,
    others: Vec<Earlier<'v>>,
}

impl<'v> Index<'v> {
    fn add(&mut self, earlier: Earlier<'v>) {
        let condition = earlier.condition;
        let fold = condition.ignore_uri_case.as_ref().is_some_and(|fold| fold.value);
        let list = match condition.uri.as_ref().map(StringMatch::comparison) {
            Some(Comparison::Prefix(text)) if !fold => self.by_prefix.entry(text.as_str()).or_default(),
            Some(Comparison::Exact(text)) if !fold => self.by_path.entry(text.as_str()).or_default(),
            _ => &mut self.others,
        };
        if list.len() < COMPARED {
            list.push(earlier);
        }
    }

    /// The first earlier condition that surely takes everything that `later` takes; nothing when one of them only has a
    /// shorter prefix (IST0131).
    fn covering(&self, later: &HttpMatchRequest) -> Option<Earlier<'v>> {
        let text = later.uri.as_ref().map(StringMatch::comparison);
        let path = match text {
            Some(Comparison::Exact(t) | Comparison::Prefix(t) | Comparison::Regex(t)) => t.as_str(),
            Some(Comparison::Present) | None => "/",
        };
        let is_regex = matches!(text, Some(Comparison::Regex(_)));
        let path = if is_regex { path.strip_prefix('^').unwrap_or(path) } else { path };
        let starts = path.char_indices().map(|(at, _)| &path[..at]).chain([path, "/"]);
        let prefixes = starts.filter_map(|start| self.by_prefix.get(start)).flatten();
        let all = prefixes.chain(self.by_path.get(path).into_iter().flatten()).chain(&self.others);
        let covering: Vec<Earlier<'v>> = all.filter(|earlier| covers(earlier.condition, later)).copied().collect();
        if covering.iter().any(|earlier| covers_by_prefix(earlier.condition, later) && differ(earlier.condition, later))
        {
            return None;
        }
        covering.into_iter().min_by_key(|earlier| earlier.at)
    }
}

/// True when the prefixes of two conditions differ.
fn differ(a: &HttpMatchRequest, b: &HttpMatchRequest) -> bool {
    let prefix = |m: &HttpMatchRequest| m.uri.as_ref().and_then(|uri| uri.prefix.as_ref()).map(|p| p.value.clone());
    prefix(a) != prefix(b)
}

fn check(object: &Object<VirtualService>, sink: &mut Sink) {
    let mut index = Index::default();
    let mut seen: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    for (at, route) in object.spec.http.iter().enumerate() {
        if route.r#match.is_empty() {
            // Whatever follows is IST0130.
            return;
        }
        for condition in &route.r#match {
            let is_new = seen.insert(canonical_http(condition));
            match index.covering(condition) {
                Some(earlier) if is_new => {
                    report(object, (at, route), condition, earlier, sink);
                }
                _ => {}
            }
        }
        for condition in &route.r#match {
            index.add(Earlier { at, route, condition });
        }
    }
}

fn report(
    object: &Object<VirtualService>,
    (at, route): (usize, &HttpRoute),
    condition: &HttpMatchRequest,
    earlier: Earlier<'_>,
    sink: &mut Sink,
) {
    let meta = &object.meta;
    sink.report(
        &SHADOWED_ROUTE,
        meta,
        condition.place.span(),
        format!(
            "Rule {} is never used for this match: rule {} comes first and takes all of its requests.",
            named(route.name.as_ref(), at),
            named(earlier.route.name.as_ref(), earlier.at)
        ),
    )
    .label("taken by a wider match before")
    .help("put the narrow rule before the wide one")
    .related(meta.file, earlier.condition.place.span(), "this match is wider");
}

fn named(name: Option<&Text>, at: usize) -> String {
    match name {
        Some(name) if !name.as_str().is_empty() => format!("{:?}", name.as_str()),
        _ => format!("#{at}"),
    }
}

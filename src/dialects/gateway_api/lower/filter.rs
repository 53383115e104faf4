//! Filters of rules and of single backends. What is not known here is refused, never skipped.

use std::time::Duration;

use super::scope::{Refusal, Scope};
use super::{backend, header, path, redirect};
use crate::dialects::gateway_api::types::{RequestMirror, RouteCors, RouteFilter, UrlRewrite};
use crate::ir::{Cors, HeaderEdits, Loss, Mirror, Name, Origin, Redirect, Rewrite, Share, TextMatch, TextTest};
use crate::schema::{List, Text};

/// What the filters of a rule say.
#[derive(Debug, Default)]
pub struct Filters {
    /// Header edits.
    pub headers: HeaderEdits,
    /// New host and path.
    pub rewrite: Option<Rewrite>,
    /// Redirect.
    pub redirect: Option<Redirect>,
    /// Copies.
    pub mirrors: Vec<Mirror>,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
}

/// The filters of a rule. `of_prefix` tells whether all its conditions are prefixes of paths.
pub fn of_rule(
    scope: &Scope<'_>,
    at: &str,
    list: &List<RouteFilter>,
    of_prefix: bool,
    losses: &mut Vec<Loss>,
) -> Result<Filters, Refusal> {
    let mut out = Filters::default();
    let mut seen: Vec<&str> = Vec::new();
    for (index, filter) in list.iter().enumerate() {
        let at = format!("{at}.filters[{index}]");
        let kind = filter.r#type.as_ref().map_or("", Text::as_str);
        if kind != "RequestMirror" && seen.contains(&kind) {
            return Err(Refusal::new(&at, filter.place, format!("`{kind}` stands twice in one rule")));
        }
        seen.push(kind);
        one(scope, &at, filter, kind, of_prefix, &mut out, losses)?;
    }
    if out.redirect.is_some() && out.rewrite.is_some() {
        let place = list.place.unwrap_or_default();
        return Err(Refusal::new(at, place, "`RequestRedirect` and `URLRewrite` exclude each other"));
    }
    Ok(out)
}

/// The filters of a single backend: only those that a share of the requests can have for itself.
pub fn of_backend(scope: &Scope<'_>, at: &str, list: &List<RouteFilter>) -> Result<Filters, Refusal> {
    for (index, filter) in list.iter().enumerate() {
        let kind = filter.r#type.as_ref().map_or("", Text::as_str);
        if !matches!(kind, "RequestHeaderModifier" | "ResponseHeaderModifier" | "URLRewrite") {
            let reason = format!("the filter `{kind}` is not known for single backends");
            return Err(Refusal::new(&format!("{at}.filters[{index}]"), filter.place, reason));
        }
    }
    of_rule(scope, at, list, true, &mut Vec::new())
}

fn one(
    scope: &Scope<'_>,
    at: &str,
    filter: &RouteFilter,
    kind: &str,
    of_prefix: bool,
    out: &mut Filters,
    losses: &mut Vec<Loss>,
) -> Result<(), Refusal> {
    let refuse = |reason: String| Refusal::new(at, filter.place, reason);
    let missing = || refuse(format!("a filter of type `{kind}` says nothing"));
    match kind {
        "RequestHeaderModifier" => {
            out.headers.request = header::edit(at, filter.request_header_modifier.as_ref().ok_or_else(missing)?)?;
        }
        "ResponseHeaderModifier" => {
            out.headers.response = header::edit(at, filter.response_header_modifier.as_ref().ok_or_else(missing)?)?;
        }
        "RequestRedirect" => {
            let filter = filter.request_redirect.as_ref().ok_or_else(missing)?;
            let at = format!("{at}.requestRedirect");
            out.redirect = Some(redirect::redirect(&at, filter, scope.served, of_prefix)?);
        }
        "URLRewrite" => {
            let filter = filter.url_rewrite.as_ref().ok_or_else(missing)?;
            out.rewrite = Some(rewrite(&format!("{at}.urlRewrite"), filter, of_prefix)?);
        }
        "RequestMirror" => {
            let filter = filter.request_mirror.as_ref().ok_or_else(missing)?;
            out.mirrors.extend(mirror(scope, &format!("{at}.requestMirror"), filter, losses));
        }
        "CORS" => {
            let filter = filter.cors.as_ref().ok_or_else(missing)?;
            out.cors = Some(cors(filter, scope.cx.at(format!("{at}.cors"), filter.place)));
        }
        _ => return Err(refuse(format!("filters of type `{kind}` are not known here"))),
    }
    Ok(())
}

fn rewrite(at: &str, filter: &UrlRewrite, of_prefix: bool) -> Result<Rewrite, Refusal> {
    Ok(Rewrite {
        path: filter.path.as_ref().map(|path| path::edit(&format!("{at}.path"), path, of_prefix)).transpose()?,
        host: filter.hostname.as_ref().map(|host| host.as_str().into()).filter(|host: &Name| !host.is_empty()),
        host_of_endpoint: false,
    })
}

/// The copies of a mirror. Without a backend that may be used there are none: the answer does not depend on them.
fn mirror(scope: &Scope<'_>, at: &str, filter: &RequestMirror, losses: &mut Vec<Loss>) -> Option<Mirror> {
    let found = match &filter.backend_ref {
        Some(reference) => backend::destination(scope, &format!("{at}.backendRef"), reference),
        None => Err(Refusal::new(at, filter.place, "a mirror needs a backend")),
    };
    match found {
        Ok(destination) => {
            let share = share(filter);
            (share != Share::NONE).then(|| Mirror { origin: scope.cx.at(at, filter.place), destination, share })
        }
        Err(refusal) => {
            losses.push(refusal.loss(&scope.cx, "nothing is copied"));
            None
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn share(filter: &RequestMirror) -> Share {
    match (&filter.percent, &filter.fraction) {
        (Some(percent), _) => Share::percent(percent.value as f64),
        (None, Some(fraction)) => {
            let numerator = fraction.numerator.as_ref().map_or(0, |number| number.value);
            let denominator = fraction.denominator.as_ref().map_or(100, |number| number.value);
            if denominator <= 0 { Share::NONE } else { Share::percent(numerator as f64 * 100.0 / denominator as f64) }
        }
        (None, None) => Share::ALL,
    }
}

fn cors(filter: &RouteCors, origin: Origin) -> Cors {
    let words = |list: &List<Text>| list.iter().map(|word| word.as_str().into()).collect();
    let age = filter.max_age.as_ref().map_or(5, |age| u64::try_from(age.value).unwrap_or(0));
    Cors {
        origin,
        origins: filter.allow_origins.iter().map(|text| origin_of(text.as_str())).collect(),
        methods: words(&filter.allow_methods),
        headers: words(&filter.allow_headers),
        expose: words(&filter.expose_headers),
        max_age: Some(Duration::from_secs(age)),
        credentials: filter.allow_credentials.as_ref().map(|allow| allow.value),
        forward_unmatched: false,
    }
}

/// An origin: a `*` stands for any text, dots included.
fn origin_of(text: &str) -> TextMatch {
    if !text.contains('*') {
        return TextMatch::exact(text);
    }
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    TextMatch::of(TextTest::Regex(parts.join(".*").into()))
}

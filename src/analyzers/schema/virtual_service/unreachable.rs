//! Rule 25: routes that come too late (IST0130) and conditions that an earlier route already took (IST0131).

use std::collections::BTreeMap;

use crate::analyzers::schema::shared::Report;
use crate::analyzers::shared::route_match::{canonical_http, canonical_l4, canonical_tls, covers_by_prefix};
use crate::declare_code;
use crate::dialects::istio::types::{HttpMatchRequest, HttpRoute, VirtualService};
use crate::manifests::source::{Place, Span};
use crate::schema::Text;

declare_code! {
    /// A route that no request reaches
    ///
    /// ## Why
    ///
    /// Routes are tried from top to bottom and the first that matches wins. A route without `match` takes everything, so
    /// nothing after it is ever used; the same holds for a route whose conditions all stand in earlier routes.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    ///   - match: # never tried
    ///     - uri:
    ///         prefix: /new
    ///     route:
    ///     - destination:
    ///         host: reviews-new
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - match:
    ///     - uri:
    ///         prefix: /new
    ///     route:
    ///     - destination:
    ///         host: reviews-new
    ///   - route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Fix
    ///
    /// Move the route up, or delete it. The route without `match` comes last.
    pub UNREACHABLE_RULE = "IST0130", "VirtualServiceUnreachableRule", Warning
}

declare_code! {
    /// A condition that an earlier route already took
    ///
    /// ## Why
    ///
    /// Every request that fits this condition fits an earlier one too: it is the same, or it has a longer prefix with the
    /// same other conditions. The first match wins, so this one is never used.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - match:
    ///     - uri:
    ///         prefix: /api/
    ///     route:
    ///     - destination:
    ///         host: reviews
    ///   - match:
    ///     - uri:
    ///         prefix: /api/new/ # begins with /api/ too
    ///     route:
    ///     - destination:
    ///         host: reviews-new
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - match:
    ///     - uri:
    ///         prefix: /api/new/
    ///     route:
    ///     - destination:
    ///         host: reviews-new
    ///   - match:
    ///     - uri:
    ///         prefix: /api/
    ///     route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the narrow condition before the wide one, or delete it.
    pub INEFFECTIVE_MATCH = "IST0131", "VirtualServiceIneffectiveMatch", Info
}

/// One route as this check sees it.
struct Route<'v> {
    /// Name or position, as messages have it.
    name: String,
    /// What to underline: the key of its first part.
    span: Span,
    matches: Vec<Condition<'v>>,
}

struct Condition<'v> {
    name: String,
    span: Span,
    /// Text that is equal for equal conditions.
    canonical: String,
    http: Option<&'v HttpMatchRequest>,
}

/// Checks the three lists of routes.
pub fn check(report: &mut Report<'_>, spec: &VirtualService) {
    list(report, &spec.http.iter().enumerate().map(|(at, route)| http(at, route)).collect::<Vec<_>>());
    let tcp = spec.tcp.iter().enumerate().map(|(at, route)| {
        let matches = route.r#match.iter().map(|m| (m.place, canonical_l4(m))).collect();
        plain(at, [route.r#match.place, route.route.place], matches)
    });
    list(report, &tcp.collect::<Vec<_>>());
    let tls = spec.tls.iter().enumerate().map(|(at, route)| {
        let matches = route.r#match.iter().map(|m| (m.place, canonical_tls(m))).collect();
        plain(at, [route.r#match.place, route.route.place], matches)
    });
    list(report, &tls.collect::<Vec<_>>());
}

fn named(name: Option<&Text>, at: usize) -> String {
    match name {
        Some(name) if !name.as_str().is_empty() => format!("{:?}", name.as_str()),
        _ => format!("#{at}"),
    }
}

fn http(at: usize, route: &HttpRoute) -> Route<'_> {
    let matches = route.r#match.iter().enumerate().map(|(at, m)| Condition {
        name: named(m.name.as_ref(), at),
        span: m.place.span(),
        canonical: canonical_http(m),
        http: Some(m),
    });
    Route { name: named(route.name.as_ref(), at), span: super::http::head(route), matches: matches.collect() }
}

fn plain<'v>(at: usize, parts: [Option<Place>; 2], matches: Vec<(Place, String)>) -> Route<'v> {
    let matches = matches.into_iter().enumerate().map(|(at, (place, canonical))| Condition {
        name: format!("#{at}"),
        span: place.span(),
        canonical,
        http: None,
    });
    let first = parts.into_iter().flatten().min().unwrap_or_default();
    Route { name: format!("#{at}"), span: Span::new(first.key, first.start), matches: matches.collect() }
}

fn list(report: &mut Report<'_>, routes: &[Route<'_>]) {
    let mut seen: BTreeMap<&str, &Route<'_>> = BTreeMap::new();
    let mut prefixes: BTreeMap<&str, Vec<(&Route<'_>, &Condition<'_>)>> = BTreeMap::new();
    let mut open: Option<&Route<'_>> = None;
    for route in routes {
        if let Some(open) = open {
            let reason = if route.matches.is_empty() {
                "only the last rule can have no matches"
            } else {
                "route without matches defined before"
            };
            unreachable(report, route, reason, Some(open));
            continue;
        }
        if route.matches.is_empty() {
            open = Some(route);
            continue;
        }
        let mut duplicates = 0;
        for condition in &route.matches {
            if let Some(earlier) = seen.get(condition.canonical.as_str()).copied() {
                duplicates += 1;
                ineffective(report, route, condition, &earlier.name, earlier.span);
                continue;
            }
            seen.insert(&condition.canonical, route);
            by_prefix(report, route, condition, &mut prefixes);
        }
        if duplicates == route.matches.len() {
            unreachable(report, route, "all matches used by prior rules", None);
        }
    }
}

/// Looks for an earlier condition with a shorter prefix and the same other conditions.
fn by_prefix<'r>(
    report: &mut Report<'_>,
    route: &'r Route<'r>,
    condition: &'r Condition<'r>,
    prefixes: &mut BTreeMap<&'r str, Vec<(&'r Route<'r>, &'r Condition<'r>)>>,
) {
    let Some(http) = condition.http else { return };
    let Some(prefix) = http.uri.as_ref().and_then(|uri| uri.prefix.as_ref()).map(Text::as_str) else { return };
    let shorter = (1..prefix.len()).filter_map(|end| prefix.get(..end));
    let covering = shorter
        .filter_map(|start| prefixes.get(start))
        .flatten()
        .find(|(_, earlier)| earlier.http.is_some_and(|earlier| covers_by_prefix(earlier, http)));
    if let Some((earlier_route, earlier)) = covering {
        ineffective(report, route, condition, &earlier_route.name, earlier.span);
    }
    if !prefix.is_empty() {
        prefixes.entry(prefix).or_default().push((route, condition));
    }
}

fn ineffective(report: &mut Report<'_>, route: &Route<'_>, condition: &Condition<'_>, earlier: &str, at: Span) {
    let meta = report.meta;
    report
        .sink()
        .report(
            &INEFFECTIVE_MATCH,
            meta,
            condition.span,
            format!(
                "Match {} of rule {} is never used: rule {earlier} takes the same requests before.",
                condition.name, route.name
            ),
        )
        .label("taken before")
        .help("move the narrower match up, or delete it")
        .related(meta.file, at, "this one comes first");
}

/// `open` is the earlier route that takes everything, when that is the reason.
fn unreachable(report: &mut Report<'_>, route: &Route<'_>, reason: &str, open: Option<&Route<'_>>) {
    let meta = report.meta;
    let finding = report
        .sink()
        .report(&UNREACHABLE_RULE, meta, route.span, format!("Rule {} is never used: {reason}.", route.name))
        .label("no request gets here")
        .help("move the rule up, or delete it");
    if let Some(open) = open {
        finding.related(meta.file, open.span, "this rule takes every request");
    }
}

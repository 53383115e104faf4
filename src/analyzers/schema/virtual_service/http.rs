//! One HTTP route: which parts may stand together, its targets, and the way into the files of its parts.

use super::{actions, headers, matches, policies};
use crate::analyzers::schema::shared::{Report, durations, names, percentages, ports};
use crate::dialects::istio::types::{Destination, HttpRoute};
use crate::manifests::source::Span;
use crate::schema::Text;

/// Validates one route. `is_delegate`: its VirtualService has no hosts.
pub fn validate(report: &mut Report<'_>, route: &HttpRoute, is_delegate: bool, on_gateways_only: bool) {
    together(report, route, is_delegate);
    for condition in &route.r#match {
        matches::validate(report, condition, on_gateways_only);
    }
    headers::validate(report, route.headers.as_deref());
    headers::one_authority(report, route);
    policies::cors(report, route.cors_policy.as_deref());
    policies::fault(report, route.fault.as_deref());
    policies::retries(report, route.retries.as_deref());
    mirrors(report, route);
    actions::redirect(report, route);
    actions::direct_response(report, route.direct_response.as_deref());
    actions::rewrite(report, route.rewrite.as_deref());
    for target in &route.route {
        headers::validate(report, target.headers.as_deref());
        if let Some(target) = &target.destination {
            destination(report, target);
        }
    }
    let weights = route.route.iter().map(|target| target.weight.as_ref());
    if let Some(place) = route.route.place {
        total_weight(report, weights, place.entry());
    }
    durations::check(report, [route.timeout.as_ref()]);
}

/// The bytes to underline for a route as a whole: the key of its first part.
pub fn head(route: &HttpRoute) -> Span {
    let keys = [
        route.route.place,
        route.redirect.as_ref().map(|r| r.place),
        route.direct_response.as_ref().map(|r| r.place),
        route.r#match.place,
    ];
    keys.into_iter().flatten().min().map_or(route.place.span(), |place| Span::new(place.key, place.start))
}

/// Rules 11 and 12: a route forwards, redirects, answers or delegates.
fn together(report: &mut Report<'_>, route: &HttpRoute, is_delegate: bool) {
    if let Some(delegate) = &route.delegate {
        if is_delegate {
            report.error(delegate.place.entry(), "a VirtualService that is delegated to cannot delegate further");
        } else {
            let others = [("redirect", route.redirect.as_ref().map(|r| r.place)), ("route", route.route.place)];
            for (name, place) in others {
                if let Some(place) = place {
                    report.error(place.entry(), format!("a route with `delegate` takes no `{name}`"));
                }
            }
            return;
        }
    }
    let answer = match (&route.redirect, &route.direct_response) {
        (Some(redirect), Some(_)) => {
            report.error(redirect.place.entry(), "a route takes either `redirect` or `directResponse`");
            return;
        }
        (Some(_), None) => "redirect",
        (None, Some(_)) => "directResponse",
        (None, None) => {
            if route.route.is_empty() {
                report
                    .error(head(route), "the route does nothing with its requests")
                    .help("add `route`, `redirect`, `directResponse` or `delegate`");
            }
            return;
        }
    };
    let excluded = [
        ("route", route.route.place.filter(|_| !route.route.is_empty())),
        ("fault", route.fault.as_ref().map(|f| f.place)),
        ("rewrite", route.rewrite.as_ref().map(|r| r.place)),
    ];
    for (name, place) in excluded {
        if let Some(place) = place {
            report.error(
                place.entry(),
                format!("a route with `{answer}` takes no `{name}`: the answer comes from the proxy"),
            );
        }
    }
}

/// Rule 13: copies.
fn mirrors(report: &mut Report<'_>, route: &HttpRoute) {
    if let Some(mirror) = &route.mirror {
        if !route.mirrors.is_empty() {
            report.error(mirror.place.entry(), "a route takes either `mirror` or `mirrors`");
        }
        destination(report, mirror);
    }
    for mirror in &route.mirrors {
        if let Some(target) = &mirror.destination {
            destination(report, target);
        }
        report.value(mirror.percentage.as_ref().and_then(|p| p.value.as_ref()), percentages::percent);
    }
    report.value(route.mirror_percentage.as_ref().and_then(|p| p.value.as_ref()), percentages::percent);
    for old in [&route.mirror_percent, &route.mirror_percent_alias].into_iter().flatten() {
        report.verdict(old.span(), percentages::whole_percent(old.value));
        report
            .warning(old.place.entry(), "`mirrorPercent` is deprecated")
            .help(format!("write `mirrorPercentage: {{value: {}.0}}`", old.value));
    }
}

/// Rule 23: the target of a route or a copy.
pub fn destination(report: &mut Report<'_>, destination: &Destination) {
    if let Some(host) = &destination.host {
        if host.as_str() == "*" {
            report.error(host.span(), "a destination is one host, not `*`");
        } else {
            report.verdict(host.span(), names::wildcard_host(host.as_str()));
        }
    }
    let subset = destination.subset.as_ref().filter(|subset| !subset.as_str().is_empty());
    report.text(subset, |name| names::dns_label("the subset", name));
    if let Some(port) = &destination.port {
        match &port.number {
            Some(number) => {
                report.verdict(number.span(), ports::port(number.value));
            }
            None => {
                report.error(port.place.entry(), "the port needs a `number`");
            }
        }
    }
}

/// Rule 22: weights are not negative, and several targets have some weight together.
pub fn total_weight<'w>(
    report: &mut Report<'_>,
    weights: impl Iterator<Item = Option<&'w crate::schema::Int>>,
    span: Span,
) {
    let (mut total, mut count, mut negative) = (0i64, 0usize, false);
    for weight in weights {
        count += 1;
        let Some(weight) = weight else { continue };
        total = total.saturating_add(weight.value);
        if weight.value < 0 {
            negative = true;
            report.error(weight.span(), format!("the weight {} is negative", weight.value));
        }
    }
    if count > 1 && total == 0 && !negative {
        report
            .error(span, "the targets have no weight, so none of them gets traffic")
            .help("give the targets weights that add up to 100");
    }
}

/// The text of an optional value when it is not empty.
pub fn filled(text: Option<&Text>) -> Option<&Text> {
    text.filter(|text| !text.as_str().is_empty())
}

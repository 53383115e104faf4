//! The conditions of HTTP routes (rules 7, 14 and 15).

use crate::analyzers::schema::shared::{Report, headers, labels, names, ports, regexes};
use crate::dialects::istio::types::{Comparison, HttpMatchRequest, StringMatch};
use crate::schema::{Map, Text};

/// Validates one condition.
pub fn validate(report: &mut Report<'_>, condition: &HttpMatchRequest, on_gateways_only: bool) {
    for (name, comparison) in condition.headers.iter() {
        report.verdict(name.span(), headers::match_name(name.as_str()));
        not_empty(report, Some(comparison));
    }
    for (name, comparison) in condition.without_headers.iter() {
        report.verdict(name.span(), headers::match_name(name.as_str()));
        // Istio reads the regular expression `*` here as "is present".
        if comparison.regex.as_ref().is_none_or(|regex| regex.as_str() != "*") {
            not_empty(report, Some(comparison));
        }
    }
    if !on_gateways_only {
        claims(report, &condition.headers);
        claims(report, &condition.without_headers);
    }
    regex(report, condition.uri.as_ref());
    for comparison in [&condition.scheme, &condition.method, &condition.authority] {
        not_empty(report, comparison.as_ref());
    }
    for (_, comparison) in condition.query_params.iter() {
        not_empty(report, Some(comparison));
    }
    if let Some(port) = condition.port.as_ref().filter(|port| port.value != 0) {
        report.verdict(port.span(), ports::port(port.value));
    }
    labels::check(report, &condition.source_labels);
    super::gateway_names(report, &condition.gateways);
    let namespace = super::http::filled(condition.source_namespace.as_ref());
    report.text(namespace, |name| names::dns_label("the namespace", name));
}

/// Rule 15: claims are only known where the token was checked, at a gateway.
fn claims(report: &mut Report<'_>, conditions: &Map<StringMatch>) {
    for (name, _) in conditions.iter().filter(|(name, _)| headers::is_claim(name.as_str())) {
        report
            .error(name.span(), "routing by claims of a token only works on gateways")
            .help("list the gateways under `gateways`, without `mesh`");
    }
}

/// A comparison with a prefix or expression that is not empty.
fn not_empty(report: &mut Report<'_>, comparison: Option<&StringMatch>) {
    if let Some(Comparison::Prefix(prefix)) = comparison.map(StringMatch::comparison)
        && prefix.as_str().is_empty()
    {
        report.error(prefix.span(), "an empty prefix matches everything: leave the condition out");
    }
    regex(report, comparison);
}

/// A comparison whose expression is valid.
pub fn regex(report: &mut Report<'_>, comparison: Option<&StringMatch>) {
    let expression: Option<&Text> = comparison.and_then(|c| c.regex.as_ref());
    report.text(expression, regexes::re2);
}

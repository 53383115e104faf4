//! `when` of a rule (rules 59 and 64): known attributes with values that fit them.

use super::{no_empty_value, operations};
use crate::analyzers::schema::shared::{Report, names};
use crate::dialects::istio::types::AuthorizationCondition;

/// Attributes without a name in brackets.
const PLAIN: [&str; 12] = [
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
    "source.trustDomain",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "destination.ip",
    "destination.port",
    "connection.sni",
];

/// Attributes with a name in brackets.
const BRACKETED: [&str; 3] = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];

/// True for an attribute that a condition may use.
pub fn is_attribute(key: &str) -> bool {
    let bracketed = |head: &str| {
        let rest = key.strip_prefix(head);
        rest.is_some_and(|rest| {
            rest.ends_with(']') && rest.contains('[') && (head.ends_with('.') || rest.starts_with('['))
        })
    };
    PLAIN.contains(&key) || BRACKETED.iter().any(|head| bracketed(head))
}

/// Reports everything wrong with one condition.
pub fn check(report: &mut Report<'_>, condition: &AuthorizationCondition, custom: bool) {
    let Some(key) = &condition.key else { return };
    if key.is_empty() {
        report.error(key.span(), "`key` must not be empty");
        return;
    }
    if !condition.values.is_set() && !condition.not_values.is_set() {
        report.error(key.span(), "a condition needs `values` or `notValues`");
    }
    no_empty_value(report, &condition.values, "values");
    no_empty_value(report, &condition.not_values, "notValues");
    if !is_attribute(key.as_str()) {
        let near = crate::near::nearest(key.as_str(), PLAIN);
        let diagnostic = report.error(key.span(), format!("{:?} is no attribute of requests", key.as_str()));
        diagnostic.label("unknown attribute");
        match near {
            Some(near) => diagnostic.help(format!("perhaps you mean `{near}`")),
            None => diagnostic.help("attributes are source.*, remote.ip, destination.*, connection.sni, request.headers[NAME] and request.auth.*"),
        };
        return;
    }
    if custom && is_identity(key.as_str()) {
        report
            .error(key.span(), format!("`{}` cannot be used with CUSTOM", key.as_str()))
            .help("CUSTOM policies are decided before identities are known");
    }
    let values = || condition.values.iter().chain(&condition.not_values).filter(|value| !value.is_empty());
    match key.as_str() {
        "source.ip" | "remote.ip" | "destination.ip" => report.each(values(), names::subnet),
        "destination.port" => report.each(values(), operations::port),
        _ => {}
    }
}

fn is_identity(key: &str) -> bool {
    let of_certificate = ["source.namespace", "source.principal", "source.serviceAccount", "source.trustDomain"];
    key.starts_with("request.auth.") || of_certificate.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_64_attributes() {
        for fine in [
            "source.ip",
            "request.headers[x-id]",
            "request.auth.claims[a][b]",
            "experimental.envoy.filters.network.mysql_proxy[db.table]",
        ] {
            assert!(is_attribute(fine), "{fine}");
        }
        for bad in ["request.headers", "request.headersx[a]", "request.method", "source.ips", "request.headers[a"] {
            assert!(!is_attribute(bad), "{bad}");
        }
    }
}

//! DENY rules of HTTP attributes alone (rule 65): on TCP ports nothing can show that they do not match, so all is denied.

use crate::analyzers::schema::shared::Report;
use crate::dialects::istio::types::AuthorizationRule;

/// Warns about each such rule.
pub fn check(report: &mut Report<'_>, rules: &[AuthorizationRule]) {
    for rule in rules {
        if uses_http(rule) && !uses_tcp(rule) {
            report
                .warning(
                    rule.place.span(),
                    "the DENY rule has only HTTP attributes: it also denies everything on TCP ports of its workloads",
                )
                .label("no port, address or identity")
                .help("add `ports` of the HTTP ports to the operation");
        }
    }
}

fn uses_http(rule: &AuthorizationRule) -> bool {
    let sources = rule.from.iter().filter_map(|from| from.source.as_ref());
    let operations = rule.to.iter().filter_map(|to| to.operation.as_ref());
    sources.into_iter().any(|s| !s.request_principals.is_empty() || !s.not_request_principals.is_empty())
        || operations.into_iter().any(|o| {
            [&o.hosts, &o.not_hosts, &o.methods, &o.not_methods, &o.paths, &o.not_paths].iter().any(|l| !l.is_empty())
        })
        || rule.when.iter().filter_map(|w| w.key.as_ref()).any(|key| is_http(key.as_str()))
}

fn uses_tcp(rule: &AuthorizationRule) -> bool {
    let sources = rule.from.iter().filter_map(|from| from.source.as_ref());
    let operations = rule.to.iter().filter_map(|to| to.operation.as_ref());
    sources.into_iter().any(|s| {
        let lists = [
            &s.principals,
            &s.not_principals,
            &s.namespaces,
            &s.not_namespaces,
            &s.service_accounts,
            &s.not_service_accounts,
            &s.ip_blocks,
            &s.not_ip_blocks,
            &s.remote_ip_blocks,
            &s.not_remote_ip_blocks,
            &s.trust_domains,
            &s.not_trust_domains,
        ];
        lists.iter().any(|list| !list.is_empty())
    }) || operations.into_iter().any(|o| !o.ports.is_empty() || !o.not_ports.is_empty())
        || rule.when.iter().filter_map(|w| w.key.as_ref()).any(|key| !is_http(key.as_str()))
}

fn is_http(key: &str) -> bool {
    key.starts_with("request.")
}

//! `from` of a rule (rules 59 to 62).

use super::no_empty_value;
use crate::analyzers::schema::shared::{Report, Verdict, names};
use crate::dialects::istio::types::{AuthorizationSource, RuleFrom};
use crate::schema::{List, Text};

fn lists(source: &AuthorizationSource) -> [(&'static str, &List<Text>); 14] {
    [
        ("principals", &source.principals),
        ("notPrincipals", &source.not_principals),
        ("requestPrincipals", &source.request_principals),
        ("notRequestPrincipals", &source.not_request_principals),
        ("namespaces", &source.namespaces),
        ("notNamespaces", &source.not_namespaces),
        ("serviceAccounts", &source.service_accounts),
        ("notServiceAccounts", &source.not_service_accounts),
        ("ipBlocks", &source.ip_blocks),
        ("notIpBlocks", &source.not_ip_blocks),
        ("remoteIpBlocks", &source.remote_ip_blocks),
        ("notRemoteIpBlocks", &source.not_remote_ip_blocks),
        ("trustDomains", &source.trust_domains),
        ("notTrustDomains", &source.not_trust_domains),
    ]
}

/// Reports everything wrong with one sender.
pub fn check(report: &mut Report<'_>, from: &RuleFrom, custom: bool) {
    let Some(source) = &from.source else {
        report.error(from.place.span(), "an item of `from` needs a `source`");
        return;
    };
    if lists(source).iter().all(|(_, list)| !list.is_set()) {
        report
            .error(source.place.entry(), "`source` must not be empty")
            .help("name principals, namespaces or addresses; leave out `from` to match every sender");
    }
    for (name, list) in lists(source) {
        no_empty_value(report, list, name);
        if custom
            && is_identity(name)
            && let Some(place) = list.place
        {
            report.error(place.entry(), format!("`{name}` cannot be used with CUSTOM")).help(
                "CUSTOM policies are decided before identities are known: match hosts, paths, ports or addresses",
            );
        }
    }
    for list in [&source.service_accounts, &source.not_service_accounts] {
        report.each(list, service_account);
    }
    let blocks = [&source.ip_blocks, &source.not_ip_blocks, &source.remote_ip_blocks, &source.not_remote_ip_blocks];
    for list in blocks {
        report.each(list.iter().filter(|block| !block.is_empty()), names::subnet);
    }
}

fn is_identity(name: &str) -> bool {
    !name.to_ascii_lowercase().ends_with("ipblocks")
}

/// Rule 61: `NAMESPACE/ACCOUNT` or `ACCOUNT`, exactly.
fn service_account(text: &str) -> Verdict {
    if text.contains('*') {
        return Err(format!("{text:?} holds a wildcard: service accounts are compared exactly"));
    }
    let parts: Vec<&str> = text.split('/').collect();
    if parts.len() > 2 || (parts.len() == 2 && parts.iter().any(|part| part.is_empty())) {
        return Err(format!("{text:?} is no service account: write `namespace/account`"));
    }
    Ok(())
}

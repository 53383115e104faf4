//! Tokens: the filter that checks them, and the clusters that keys come from.

mod keys;
mod provider;
mod requirement;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{JwtAuthentication, RequirementRule};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;

use super::hcm::http_filter;
use super::http::match_all;
use super::proto::{any, ordered};
use super::{Snapshot, View};
use crate::ir::{JwtPolicy, JwtRule};

/// The filter, where a policy holds.
pub fn filter(view: &View<'_>) -> Option<HttpFilter> {
    let rules = rules(view);
    if rules.is_empty() {
        return None;
    }
    let providers = rules.iter().enumerate().map(|(at, rule)| (name(at), provider::of(view, rule)));
    let requires = requirement::of(&rules);
    let config = JwtAuthentication {
        providers: ordered(providers),
        rules: vec![RequirementRule {
            r#match: Some(match_all()),
            requirement_type: Some(
                envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::requirement_rule::RequirementType::Requires(requires),
            ),
        }],
        // A browser asks without a token first.
        bypass_cors_preflight: true,
        ..JwtAuthentication::default()
    };
    Some(http_filter("envoy.filters.http.jwt_authn", any(&config)))
}

/// The clusters that keys are fetched from, where no service of the mesh is that host.
pub fn clusters(view: &View<'_>, out: &mut Snapshot) {
    for rule in rules(view) {
        keys::cluster(view, rule, out);
    }
}

/// The rules for the workload by issuer: the order of policies does not count.
fn rules<'m>(view: &View<'m>) -> Vec<&'m JwtRule> {
    let here = view.mesh.jwt.iter().filter(|policy: &&Arc<JwtPolicy>| policy.scope.includes(view.workload()));
    let mut rules: Vec<&JwtRule> = here.flat_map(|policy| &policy.rules).collect();
    rules.sort_by(|one, other| one.issuer.cmp(&other.issuer));
    rules
}

/// `origins-0`
fn name(at: usize) -> String {
    format!("origins-{at}")
}

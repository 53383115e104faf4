//! Forwarding: clusters with their weights, time limits, retries, copies, hashes.

use std::time::Duration;

use envoy_types::pb::envoy::config::route::v3::{
    RouteAction, WeightedCluster,
    route_action::{
        ClusterSpecifier, HashPolicy, HostRewriteSpecifier, RequestMirrorPolicy, UpgradeConfig,
        hash_policy::{ConnectionProperties, Cookie, CookieAttribute, Header, PolicySpecifier, QueryParameter},
    },
    weighted_cluster::{ClusterWeight, cluster_weight},
};

use super::edit::{NewPath, full_path, headers, new_path, removed};
use super::retry;
use super::rule::Place;
use crate::ir::{Algorithm, Backend, Destination, HashKey, HttpMatch, HttpRule, Mirror, PathEdit, Rewrite, Target};
use crate::xds::outbound::cluster_name;
use crate::xds::proto::{boolean, duration, number, runtime_fraction};

/// The cluster that a destination means: the port is its own, the service's only one, or that of the request.
pub fn cluster(place: &Place<'_>, destination: &Destination) -> String {
    let only = || {
        let ports = &place.view.host(&destination.host)?.ports;
        (ports.len() == 1).then(|| ports[0].number)
    };
    let port = destination.port.or_else(only).unwrap_or(place.port);
    cluster_name(port, destination.subset.as_deref(), &destination.host)
}

/// The action for some targets of a rule.
pub fn action(place: &Place<'_>, rule: &HttpRule, condition: Option<&HttpMatch>, targets: &[&Target]) -> RouteAction {
    let own = targets.iter().find_map(|target| target.rewrite.as_ref()).filter(|own| own.path.is_some());
    let rewrite = own.or(rule.rewrite.as_ref());
    let mut action = base(rule.timeout, rule.idle_timeout);
    let usual = place.view.mesh.settings.retry.clone().unwrap_or_else(retry::usual);
    action.retry_policy = retry::policy(rule.retry.as_ref().unwrap_or(&usual));
    action.request_mirror_policies = rule.mirrors.iter().map(|copy| mirror(place, copy)).collect();
    action.hash_policy = targets.first().map(|target| hash(place, &target.backend)).unwrap_or_default();
    action.cluster_specifier = Some(specifier(place, targets));
    if let Some(rewrite) = rewrite {
        rewrite_path(rewrite, condition, &mut action);
        action.host_rewrite_specifier = host(rewrite);
    }
    action
}

/// The action of a service without routes.
pub fn plain(place: &Place<'_>, destination: &Destination) -> RouteAction {
    let mut action = base(None, None);
    let usual = place.view.mesh.settings.retry.clone().unwrap_or_else(retry::usual);
    action.retry_policy = retry::policy(&usual);
    action.hash_policy = hash(place, &Backend::Service(destination.clone()));
    action.cluster_specifier = Some(ClusterSpecifier::Cluster(cluster(place, destination)));
    action
}

fn base(timeout: Option<Duration>, idle_timeout: Option<Duration>) -> RouteAction {
    RouteAction {
        // Without an end when nothing is said: Envoy's own default is 15 s.
        timeout: Some(duration(timeout.unwrap_or(Duration::ZERO))),
        idle_timeout: idle_timeout.map(duration),
        upgrade_configs: vec![UpgradeConfig {
            upgrade_type: "websocket".into(),
            enabled: Some(boolean(true)),
            ..UpgradeConfig::default()
        }],
        ..RouteAction::default()
    }
}

fn specifier(place: &Place<'_>, targets: &[&Target]) -> ClusterSpecifier {
    let name = |target: &Target| match &target.backend {
        Backend::Service(destination) => cluster(place, destination),
        Backend::Invalid { .. } => "BlackHoleCluster".to_owned(),
    };
    if let [one] = targets
        && one.headers.is_empty()
        && one.rewrite.as_ref().is_none_or(|rewrite| rewrite.host.is_none())
    {
        return ClusterSpecifier::Cluster(name(one));
    }
    let weights = targets.iter().map(|target| ClusterWeight {
        name: name(target),
        weight: Some(number(target.weight)),
        request_headers_to_add: headers(&target.headers.request),
        request_headers_to_remove: removed(&target.headers.request),
        response_headers_to_add: headers(&target.headers.response),
        response_headers_to_remove: removed(&target.headers.response),
        host_rewrite_specifier: target
            .rewrite
            .as_ref()
            .and_then(|rewrite| rewrite.host.as_ref())
            .map(|host| cluster_weight::HostRewriteSpecifier::HostRewriteLiteral(host.to_string())),
        ..ClusterWeight::default()
    });
    ClusterSpecifier::WeightedClusters(WeightedCluster { clusters: weights.collect(), ..WeightedCluster::default() })
}

fn rewrite_path(rewrite: &Rewrite, condition: Option<&HttpMatch>, action: &mut RouteAction) {
    let Some(edit) = &rewrite.path else { return };
    match new_path(edit, condition) {
        NewPath::Prefix(prefix) => action.prefix_rewrite = prefix,
        NewPath::Regex(regex) => action.regex_rewrite = Some(regex),
        NewPath::Full(path) => action.regex_rewrite = Some(full_path(&path)),
    }
    debug_assert!(!matches!(edit, PathEdit::Full(_)) || action.regex_rewrite.is_some());
}

fn host(rewrite: &Rewrite) -> Option<HostRewriteSpecifier> {
    if rewrite.host_of_endpoint {
        return Some(HostRewriteSpecifier::AutoHostRewrite(boolean(true)));
    }
    rewrite.host.as_ref().map(|host| HostRewriteSpecifier::HostRewriteLiteral(host.to_string()))
}

fn mirror(place: &Place<'_>, mirror: &Mirror) -> RequestMirrorPolicy {
    RequestMirrorPolicy {
        cluster: cluster(place, &mirror.destination),
        runtime_fraction: Some(runtime_fraction(mirror.share)),
        trace_sampled: Some(boolean(false)),
        ..RequestMirrorPolicy::default()
    }
}

/// What the policy of a destination hashes.
fn hash(place: &Place<'_>, backend: &Backend) -> Vec<HashPolicy> {
    let Backend::Service(destination) = backend else { return Vec::new() };
    let Some(service) = place.view.host(&destination.host) else { return Vec::new() };
    let port = destination.port.unwrap_or(place.port);
    let policy = place.view.traffic(service, destination.subset.as_deref(), port);
    match policy.balancing.and_then(|balancing| balancing.algorithm) {
        Some(Algorithm::Hash { keys, .. }) => keys.iter().map(hash_policy).collect(),
        _ => Vec::new(),
    }
}

fn hash_policy(key: &HashKey) -> HashPolicy {
    let specifier = match key {
        HashKey::Header(name) => PolicySpecifier::Header(Header { header_name: name.to_string(), ..Header::default() }),
        HashKey::Query(name) => PolicySpecifier::QueryParameter(QueryParameter { name: name.to_string() }),
        HashKey::SourceAddress => PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: true }),
        HashKey::Cookie { name, path, ttl, attributes } => {
            let attribute = |(name, value): &(crate::ir::Name, crate::ir::Name)| CookieAttribute {
                name: name.to_string(),
                value: value.to_string(),
            };
            PolicySpecifier::Cookie(Cookie {
                name: name.to_string(),
                path: path.to_string(),
                ttl: ttl.map(duration),
                attributes: attributes.iter().map(attribute).collect(),
            })
        }
    };
    HashPolicy { terminal: false, policy_specifier: Some(specifier) }
}

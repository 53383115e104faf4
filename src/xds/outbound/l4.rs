//! Connections that are not HTTP here: by server name and address, to weighted clusters.

use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::{
    ClusterSpecifier, WeightedCluster, weighted_cluster::ClusterWeight,
};

use super::super::View;
use super::super::proto::{cidr, of_origin};
use super::cluster_name;
use super::listeners::{tcp_filter, tcp_proxy};
use crate::ir::{Attachment, Destination, HostPattern, L4Match, L4Routes, L4Rule, L4Target, Service, ServicePort};

/// The chain of connections for which no rule has a condition that tells them apart: to the targets of the first such rule,
/// or to the service itself.
pub fn chain(view: &View<'_>, service: &Service, port: &ServicePort) -> FilterChain {
    let catch_all = rules(view, service, port).into_iter().find(|(_, condition)| {
        condition.is_none_or(|condition| condition.server_names.is_empty() && condition.destinations.is_empty())
    });
    match catch_all {
        Some((rule, _)) => to_targets(view, port, rule),
        None => {
            let own = cluster_name(port.number, None, &service.key.name);
            let proxy = tcp_proxy(view, &own.clone(), ClusterSpecifier::Cluster(own));
            FilterChain { filters: vec![tcp_filter(&proxy)], ..FilterChain::default() }
        }
    }
}

/// The chains of rules that tell connections apart by server name or address.
pub fn chains(view: &View<'_>, service: &Service, port: &ServicePort) -> Vec<FilterChain> {
    let mut chains = Vec::new();
    for (rule, condition) in rules(view, service, port) {
        let Some(condition) = condition else { continue };
        if condition.server_names.is_empty() && condition.destinations.is_empty() {
            continue;
        }
        let names: Vec<String> = condition.server_names.iter().map(|name| name.0.to_string()).collect();
        let filter_chain_match = FilterChainMatch {
            transport_protocol: if names.is_empty() { String::new() } else { "tls".into() },
            // Every name at all is what a chain without names means.
            server_names: names.into_iter().filter(|name| name != "*").collect(),
            prefix_ranges: condition.destinations.iter().map(|network| cidr(*network)).collect(),
            ..FilterChainMatch::default()
        };
        // Envoy refuses two chains with one condition; the first rule counts.
        let is_new = |chain: &FilterChain| chain.filter_chain_match.as_ref() != Some(&filter_chain_match);
        if chains.iter().all(is_new) {
            let chain = to_targets(view, port, rule);
            chains.push(FilterChain { filter_chain_match: Some(filter_chain_match), ..chain });
        }
    }
    chains
}

type Conditioned<'m> = (&'m L4Rule, Option<&'m L4Match>);

/// The rules for a port of a service in order, each with one of its conditions that may hold for this caller.
fn rules<'m>(view: &View<'m>, service: &Service, port: &ServicePort) -> Vec<Conditioned<'m>> {
    let sets = view
        .mesh
        .l4_routes
        .iter()
        .filter(|set| set.visibility.includes(view.namespace()) && is_for(view, set, service, port.number));
    let mut found = Vec::new();
    for rule in sets.flat_map(|set| &set.rules) {
        if rule.matches.is_empty() {
            found.push((rule, None));
        }
        let here = rule.matches.iter().filter(|condition| {
            condition.client.holds(view.workload())
                && condition.port.is_none_or(|only| only == port.number)
                // Rules with server names are for TLS, the others for everything else.
                && (condition.server_names.is_empty() || port.protocol.is_tls() || port.protocol.is_detected())
        });
        found.extend(here.map(|condition| (rule, Some(condition))));
    }
    found
}

fn is_for(view: &View<'_>, set: &L4Routes, service: &Service, port: u16) -> bool {
    match &set.attachment {
        Attachment::Hosts => set.hosts.iter().any(|host: &HostPattern| host.covers(&service.key.name)),
        Attachment::Service { service: key, port: only, clients } => {
            *key == service.key && only.is_none_or(|only| only == port) && clients.holds(view.workload())
        }
        Attachment::Gateway { .. } => false,
    }
}

fn to_targets(view: &View<'_>, port: &ServicePort, rule: &L4Rule) -> FilterChain {
    let specifier = specifier(view, port.number, &rule.targets);
    let stat_prefix = match &specifier {
        ClusterSpecifier::Cluster(name) => name.clone(),
        ClusterSpecifier::WeightedClusters(_) if !rule.name.is_empty() => rule.name.to_string(),
        ClusterSpecifier::WeightedClusters(_) => format!("outbound|{}||weighted", port.number),
    };
    FilterChain {
        filters: vec![tcp_filter(&tcp_proxy(view, &stat_prefix, specifier))],
        metadata: of_origin(&rule.origin),
        ..FilterChain::default()
    }
}

/// Clusters by weight; what does not exist gets its share and drops it.
pub fn specifier(view: &View<'_>, port: u16, targets: &[L4Target]) -> ClusterSpecifier {
    let used: Vec<&L4Target> = targets.iter().filter(|target| target.weight > 0).collect();
    let name = |target: &L4Target| {
        let of = |destination: &Destination| {
            let only =
                || view.host(&destination.host).filter(|service| service.ports.len() == 1).map(|s| s.ports[0].number);
            let port = destination.port.or_else(only).unwrap_or(port);
            cluster_name(port, destination.subset.as_deref(), &destination.host)
        };
        target.destination.as_ref().map_or_else(|| "BlackHoleCluster".to_owned(), of)
    };
    match used.as_slice() {
        [] => ClusterSpecifier::Cluster("BlackHoleCluster".to_owned()),
        [one] => ClusterSpecifier::Cluster(name(one)),
        many => ClusterSpecifier::WeightedClusters(WeightedCluster {
            clusters: many
                .iter()
                .map(|target| ClusterWeight { name: name(target), weight: target.weight, ..ClusterWeight::default() })
                .collect(),
        }),
    }
}

//! Hosts without an address of their own: one listener and route configuration a port, told apart by the request's host.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, Route, RouteAction, VirtualHost, route::Action, route_action::ClusterSpecifier,
};

use super::super::http::{Place, match_all, routes as routes_of};
use super::super::proto::{boolean, duration, socket};
use super::super::{Kind, Resource, Snapshot, View};
use super::listeners::{http_chain, is_http};
use super::{cluster_name, ports, routes};
use crate::ir::{Attachment, Origin, OutboundPolicy, Service};

/// The port of hosts that routes name and no service has.
const USUAL: u16 = 80;

/// Listeners `0.0.0.0_PORT` and route configurations `PORT`.
pub fn build(view: &View<'_>, out: &mut Snapshot) {
    let mut by_port: BTreeMap<u16, (Vec<VirtualHost>, Vec<Origin>)> = BTreeMap::new();
    for service in view.services().filter(|service| service.addresses.is_empty()) {
        for port in ports(service).filter(|port| is_http(port.protocol)) {
            let (mut host, origins) = routes::virtual_host(view, service, port);
            host.domains = domains(view, service);
            let entry = by_port.entry(port.number).or_default();
            entry.0.push(host);
            entry.1.extend(origins);
        }
    }
    for (host, origins) in unknown_hosts(view) {
        let entry = by_port.entry(USUAL).or_default();
        entry.0.push(host);
        entry.1.extend(origins);
    }
    for (port, (mut hosts, origins)) in by_port {
        unique_domains(&mut hosts);
        hosts.push(rest(view));
        let configuration = routes::configuration(port.to_string(), hosts);
        out.insert(Kind::Route, Resource::new(port.to_string(), &configuration, origins));
        let listener = listener(view, port);
        out.insert(Kind::Listener, Resource::new(listener.name.clone(), &listener, Vec::new()));
    }
}

fn listener(view: &View<'_>, port: u16) -> Listener {
    let name = format!("0.0.0.0_{port}");
    Listener {
        default_filter_chain: Some(http_chain(view, &name, port.to_string())),
        name,
        address: Some(socket("0.0.0.0", port)),
        traffic_direction: TrafficDirection::Outbound.into(),
        bind_to_port: Some(boolean(false)),
        ..Listener::default()
    }
}

/// The names under which a caller calls a service.
fn domains(view: &View<'_>, service: &Service) -> Vec<String> {
    let mut domains = vec![service.key.name.to_string()];
    domains.extend(service.aliases.iter().map(ToString::to_string));
    if service.key.namespace == *view.namespace() {
        domains.extend(service.short_name.iter().map(ToString::to_string));
    }
    domains
}

/// Envoy refuses a domain that stands twice; the first one counts. Hosts without a domain go.
fn unique_domains(hosts: &mut Vec<VirtualHost>) {
    let mut seen = std::collections::BTreeSet::new();
    for host in hosts.iter_mut() {
        host.domains.retain(|domain| seen.insert(domain.to_ascii_lowercase()));
    }
    hosts.retain(|host| !host.domains.is_empty());
}

/// Routes for hosts that no service has.
fn unknown_hosts(view: &View<'_>) -> Vec<(VirtualHost, Vec<Origin>)> {
    let place = Place { view, port: USUAL };
    let sets = view
        .mesh
        .http_routes
        .iter()
        .filter(|set| set.attachment == Attachment::Hosts && set.visibility.includes(view.namespace()));
    let mut found = Vec::new();
    for set in sets {
        for host in set.hosts.iter().filter(|host| view.host(&host.0).is_none()) {
            let covers_services = host.is_wildcard() && view.services().any(|service| host.covers(&service.key.name));
            if covers_services {
                continue;
            }
            let virtual_host = VirtualHost {
                name: format!("{host}:{USUAL}"),
                domains: vec![host.0.to_string()],
                routes: set.rules.iter().flat_map(|rule| routes_of(&place, rule)).collect(),
                include_request_attempt_count: true,
                ..VirtualHost::default()
            };
            found.push((virtual_host, vec![set.origin.clone()]));
        }
    }
    found
}

/// What happens to other hosts.
fn rest(view: &View<'_>) -> VirtualHost {
    let to = |cluster: String| {
        Action::Route(RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(cluster)),
            timeout: Some(duration(std::time::Duration::ZERO)),
            ..RouteAction::default()
        })
    };
    let (name, action) = match view.outbound_policy() {
        OutboundPolicy::Allow => ("allow_any", to("PassthroughCluster".to_owned())),
        OutboundPolicy::Proxy(host, port, subset) => ("allow_any", to(cluster_name(*port, subset.as_deref(), host))),
        OutboundPolicy::Deny => {
            let refusal = DirectResponseAction { status: 502, ..DirectResponseAction::default() };
            ("block_all", Action::DirectResponse(refusal))
        }
    };
    let route = Route { name: name.to_owned(), r#match: Some(match_all()), action: Some(action), ..Route::default() };
    VirtualHost {
        name: name.to_owned(),
        domains: vec!["*".into()],
        routes: vec![route],
        include_request_attempt_count: true,
        ..VirtualHost::default()
    }
}

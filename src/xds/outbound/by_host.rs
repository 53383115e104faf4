//! Hosts without an address of their own: one listener and route configuration a port, told apart by the request's host.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch, Listener};
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, Route, RouteAction, VirtualHost, route::Action, route_action::ClusterSpecifier,
};
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;

use super::super::http::{Place, match_all, routes as routes_of};
use super::super::proto::{any, boolean, duration, socket};
use super::super::{Kind, Resource, Snapshot, View};
use super::listeners::{http_chain, is_http, listener_filter};
use super::{cluster_name, l4, ports, routes};
use crate::ir::{Attachment, EndpointAddress, Origin, OutboundPolicy, Resolution, Service, ServicePort};

/// The port of hosts that routes name and no service has.
const USUAL: u16 = 80;

/// What the hosts of one port come to.
#[derive(Default)]
struct Port {
    hosts: Vec<VirtualHost>,
    origins: Vec<Origin>,
    /// Chains of TLS connections by server name.
    named: Vec<FilterChain>,
    /// The chain of all other connections that are not HTTP.
    opaque: Option<FilterChain>,
}

/// Listeners `0.0.0.0_PORT` and route configurations `PORT`; for opaque ports of headless services one listener an endpoint.
pub fn build(view: &View<'_>, out: &mut Snapshot) {
    let mut by_port: BTreeMap<u16, Port> = BTreeMap::new();
    for service in view.services().filter(|service| service.addresses.is_empty()) {
        for port in ports(service) {
            if is_http(port.protocol) {
                let (mut host, origins) = routes::virtual_host(view, service, port);
                host.domains = domains(view, service);
                let entry = by_port.entry(port.number).or_default();
                entry.hosts.push(host);
                entry.origins.extend(origins);
            } else if service.resolution == Resolution::Headless {
                headless(view, service, port, out);
            } else {
                opaque(view, service, port, by_port.entry(port.number).or_default());
            }
        }
    }
    for (host, origins) in unknown_hosts(view) {
        let entry = by_port.entry(USUAL).or_default();
        entry.hosts.push(host);
        entry.origins.extend(origins);
    }
    for (number, mut port) in by_port {
        unique_domains(&mut port.hosts);
        if !port.hosts.is_empty() {
            let hosts = port.hosts.drain(..).chain([rest(view)]).collect();
            let configuration = routes::configuration(number.to_string(), hosts);
            out.insert(Kind::Route, Resource::new(number.to_string(), &configuration, port.origins.clone()));
            // Requests win over bytes where both are on one port: their host tells them apart.
            port.opaque = Some(http_chain(view, &format!("0.0.0.0_{number}"), number.to_string()));
        }
        let listener = listener(number, port.named, port.opaque);
        out.insert(Kind::Listener, Resource::new(listener.name.clone(), &listener, port.origins));
    }
}

/// A port of a service without an address that is not HTTP: TLS by its host as the server name, the rest by the port alone.
fn opaque(view: &View<'_>, service: &Service, port: &ServicePort, entry: &mut Port) {
    entry.origins.push(port.origin.clone());
    let mut chains = l4::chains(view, service, port);
    if port.protocol.is_tls() && chains.is_empty() {
        let condition = FilterChainMatch {
            transport_protocol: "tls".into(),
            server_names: vec![service.key.name.to_string()],
            ..FilterChainMatch::default()
        };
        chains.push(FilterChain { filter_chain_match: Some(condition), ..l4::chain(view, service, port) });
    } else if !port.protocol.is_tls() && entry.opaque.is_none() {
        entry.opaque = Some(l4::chain(view, service, port));
    }
    for chain in chains {
        // Envoy refuses two chains with one condition; the first service counts.
        if entry.named.iter().all(|other| other.filter_chain_match != chain.filter_chain_match) {
            entry.named.push(chain);
        }
    }
}

/// Callers of a headless service connect to an endpoint of their choice.
fn headless(view: &View<'_>, service: &Service, port: &ServicePort, out: &mut Snapshot) {
    let endpoints = view.mesh.endpoints.get(&service.key).into_iter().flat_map(|endpoints| endpoints.iter());
    for endpoint in endpoints {
        let (EndpointAddress::Ip(ip), Some(target)) = (&endpoint.address, endpoint.port(port.number)) else { continue };
        let listener = Listener {
            name: format!("{ip}_{target}"),
            address: Some(socket(ip.to_string(), target)),
            default_filter_chain: Some(l4::chain(view, service, port)),
            traffic_direction: TrafficDirection::Outbound.into(),
            bind_to_port: Some(boolean(false)),
            ..Listener::default()
        };
        out.insert(Kind::Listener, Resource::new(listener.name.clone(), &listener, vec![endpoint.origin.clone()]));
    }
}

fn listener(port: u16, named: Vec<FilterChain>, other: Option<FilterChain>) -> Listener {
    let inspects = !named.is_empty();
    let inspector = || listener_filter("envoy.filters.listener.tls_inspector", any(&TlsInspector::default()));
    Listener {
        name: format!("0.0.0.0_{port}"),
        address: Some(socket("0.0.0.0", port)),
        filter_chains: named,
        default_filter_chain: other,
        listener_filters: if inspects { vec![inspector()] } else { Vec::new() },
        continue_on_listener_filters_timeout: inspects,
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

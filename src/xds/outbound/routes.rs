//! Route configurations: one for each HTTP port of a service that has an address of its own.

use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3::{Route, RouteConfiguration, VirtualHost};

use super::super::http::{Place, default_route, routes};
use super::super::proto::boolean;
use super::super::{Kind, Resource, Snapshot, View};
use super::ports;
use crate::ir::{Attachment, Destination, HttpRoutes, Origin, Otherwise, Service, ServicePort};

/// The route configurations of a service.
pub fn of_service(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    if service.addresses.is_empty() {
        return;
    }
    for port in ports(service).filter(|port| port.protocol.is_http() || port.protocol.is_detected()) {
        let (mut host, origins) = virtual_host(view, service, port);
        // The address decides which service this is; whatever the caller names as the host.
        host.domains = vec!["*".into()];
        let name = name(service, port.number);
        let configuration = configuration(name.clone(), vec![host]);
        out.insert(Kind::Route, Resource::new(name, &configuration, origins));
    }
}

/// `reviews.default.svc.cluster.local:9080`
pub fn name(service: &Service, port: u16) -> String {
    format!("{}:{port}", service.key.name)
}

/// A route configuration of the outbound side.
pub fn configuration(name: String, virtual_hosts: Vec<VirtualHost>) -> RouteConfiguration {
    RouteConfiguration {
        name,
        virtual_hosts,
        validate_clusters: Some(boolean(false)),
        max_direct_response_body_size_bytes: Some(super::super::proto::number(1024 * 1024)),
        ignore_port_in_host_matching: true,
        ..RouteConfiguration::default()
    }
}

/// The virtual host of a port of a service, without domains, and what its routes come from.
pub fn virtual_host(view: &View<'_>, service: &Service, port: &ServicePort) -> (VirtualHost, Vec<Origin>) {
    let place = Place { view, port: port.number };
    let own = Destination { host: service.key.name.clone(), subset: None, port: Some(port.number) };
    let found = routes_for(view, service, port.number);
    let mut all: Vec<Route> = found.iter().flat_map(|set| &set.rules).flat_map(|rule| routes(&place, rule)).collect();
    let falls_through = found.as_ref().is_none_or(|set| set.otherwise == Otherwise::Service);
    if falls_through {
        all.push(default_route(&place, &own));
    }
    let origins = found.iter().map(|set| set.origin.clone()).chain([port.origin.clone()]).collect();
    let host = VirtualHost {
        name: name(service, port.number),
        routes: all,
        include_request_attempt_count: true,
        ..VirtualHost::default()
    };
    (host, origins)
}

/// The routes that hold for a caller's requests to a port of a service: those that are attached to the service for this
/// caller's namespace, then those for everybody, then those for its host; the narrowest host, the first of equals.
pub fn routes_for<'m>(view: &View<'m>, service: &Service, port: u16) -> Option<&'m Arc<HttpRoutes>> {
    let visible = view.mesh.http_routes.iter().filter(|set| set.visibility.includes(view.namespace()));
    let mut best: Option<((u8, usize), &Arc<HttpRoutes>)> = None;
    for set in visible {
        let rank = match &set.attachment {
            Attachment::Service { service: key, port: only, clients } => {
                let holds =
                    *key == service.key && only.is_none_or(|only| only == port) && clients.holds(view.workload());
                holds.then(|| (if clients.is_any() { 2 } else { 3 }, usize::from(only.is_some())))
            }
            Attachment::Hosts => {
                let hosts = set.hosts.iter().filter(|host| host.covers(&service.key.name));
                hosts.map(|host| (u8::from(!host.is_wildcard()), host.0.len())).max()
            }
            Attachment::Gateway { .. } => None,
        };
        if let Some(rank) = rank
            && best.as_ref().is_none_or(|(other, _)| rank > *other)
        {
            best = Some((rank, set));
        }
    }
    best.map(|(_, set)| set)
}

//! The outbound side: for each service its clusters, endpoints, routes and listeners, and what services share.

mod by_host;
mod cluster;
mod endpoints;
mod l4;
mod limits;
mod listeners;
mod locality;
mod name;
mod routes;
mod tls;

use super::{NodeKind, Snapshot, View};
use crate::ir::{Protocol, Service};

pub use cluster::{HTTP_OPTIONS, fallbacks};
pub use endpoints::endpoints;
pub use l4::specifier;
pub use limits::{circuit_breakers, http_options};
pub use listeners::{listener_filter, tcp_filter, tcp_proxy};
pub use name::cluster as cluster_name;
pub use routes::configuration as route_configuration;
pub use tls::{OWN, ROOTS, ads, credential, secret, socket};

/// Everything of one service.
pub fn service(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    cluster::clusters(view, service, out);
    endpoints(view, service, out);
    // Gateways have listeners and routes of their own.
    if view.node.kind == NodeKind::Gateway {
        return;
    }
    routes::of_service(view, service, out);
    listeners::of_service(view, service, out);
}

/// What services share: the listener for redirected connections, clusters for unknown addresses, listeners and routes of
/// hosts without an address.
pub fn shared(view: &View<'_>, out: &mut Snapshot) {
    cluster::fallbacks(view, out);
    by_host::build(view, out);
    listeners::outbound(view, out);
}

/// The ports that a proxy handles.
fn ports(service: &Service) -> impl Iterator<Item = &crate::ir::ServicePort> {
    service.ports.iter().filter(|port| port.protocol != Protocol::Udp)
}

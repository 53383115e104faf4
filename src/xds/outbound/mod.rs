//! The outbound side: for each service its clusters, endpoints, routes and listeners, and what services share.

mod cluster;
mod endpoints;
mod limits;
mod name;
mod routes;
mod tls;

use super::{Snapshot, View};
use crate::ir::{Protocol, Service};

pub use endpoints::endpoints;
pub use name::cluster as cluster_name;

/// Everything of one service.
pub fn service(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    cluster::clusters(view, service, out);
    endpoints(view, service, out);
    routes::of_service(view, service, out);
}

/// What services share: the listener for redirected connections, clusters for unknown addresses, listeners and routes of
/// hosts without an address.
pub fn shared(view: &View<'_>, out: &mut Snapshot) {
    cluster::fallbacks(view, out);
}

/// The ports that a proxy handles.
fn ports(service: &Service) -> impl Iterator<Item = &crate::ir::ServicePort> {
    service.ports.iter().filter(|port| port.protocol != Protocol::Udp)
}

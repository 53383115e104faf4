//! The inbound side: listeners, filter chains and clusters for what comes to the workload.

mod chains;
mod cluster;
mod filters;
mod listener;
mod ports;
mod rate;
#[cfg(test)]
mod tests;
mod tls;

pub use tls::{Within, mutual, version};

use super::{Snapshot, View, gateway, jwt};

/// Everything of the inbound side.
pub fn build(view: &View<'_>, out: &mut Snapshot) {
    let ports = ports::ports(view);
    for port in &ports {
        cluster::of_port(view, port, out);
    }
    cluster::fallbacks(view, out);
    jwt::clusters(view, out);
    gateway::secrets(view, ports.iter().filter_map(|port| port.tls.as_deref()), out);
    listener::build(view, &ports, out);
}

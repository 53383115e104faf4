//! Endpoints: the addresses behind a service.

use std::net::IpAddr;

use super::{Key, Labels, Locality, Name, Origin};

/// One process behind a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: EndpointAddress,
    /// For each port of the service (by the service's port number) where it listens. A port that is missing has no
    /// listener there.
    pub ports: Vec<(u16, u16)>,
    /// Labels, for subsets.
    pub labels: Labels,
    /// Where it is.
    pub locality: Locality,
    /// The network it is in; empty when there is one.
    pub network: Name,
    /// Weight, 1 when nothing is said.
    pub weight: u32,
    /// Who it is, as a SPIFFE id; empty when unknown.
    pub identity: Name,
    /// The workload it belongs to.
    pub workload: Option<Key>,
    /// True when it takes mutual TLS of the mesh.
    pub mutual_tls: bool,
    /// Whether it takes traffic.
    pub health: Health,
    /// Where it is declared.
    pub origin: Origin,
}

/// An address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointAddress {
    /// An IP address.
    Ip(IpAddr),
    /// A DNS name.
    Dns(Name),
    /// A unix socket.
    Unix(Name),
}

impl std::fmt::Display for EndpointAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Dns(name) => f.write_str(name),
            Self::Unix(path) => write!(f, "unix://{path}"),
        }
    }
}

/// Whether an endpoint takes traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Health {
    /// It does.
    #[default]
    Healthy,
    /// It is going away: no new connections when others can take them.
    Draining,
    /// It does not.
    Unhealthy,
}

impl Endpoint {
    /// Where it listens for a port of the service.
    pub fn port(&self, service_port: u16) -> Option<u16> {
        self.ports.iter().find(|(port, _)| *port == service_port).map(|(_, target)| *target)
    }
}

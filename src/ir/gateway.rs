//! Gateways: proxies that take traffic from outside of the mesh, or let it out.

use std::sync::Arc;

use super::{Key, Name, Origin, Protocol, Scope, ScopedHost, ServerTls, Visibility};

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Namespace and name.
    pub key: Key,
    /// Where it is declared.
    pub origin: Origin,
    /// The proxies that serve it.
    pub proxies: Scope,
    /// Listeners.
    pub listeners: Vec<GatewayListener>,
}

/// One listener. Several on one port share the port; server names and hosts tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayListener {
    /// Where it is declared.
    pub origin: Origin,
    /// Name, unique in the gateway.
    pub name: Name,
    /// Port that callers see.
    pub port: u16,
    /// Name of the port.
    pub port_name: Name,
    /// Address; all when not set.
    pub bind: Option<Name>,
    /// Protocol: HTTP (also within TLS that ends here), TLS (passed on or ended) or TCP.
    pub protocol: Protocol,
    /// Hosts, and the namespaces whose routes may use them.
    pub hosts: Vec<ScopedHost>,
    /// TLS.
    pub tls: Option<Arc<ServerTls>>,
    /// Namespaces whose routes may attach.
    pub routes_from: Visibility,
    /// Requests whose host belongs to another listener of the port are not taken here (an answer 404 or 421).
    pub isolated: bool,
}

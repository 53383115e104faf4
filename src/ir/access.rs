//! What a proxy sees and takes: the egress scope of its workload, and listeners it is told to open.

use std::sync::Arc;

use super::{HostPattern, Name, Origin, Pool, Protocol, Scope, ServerTls};

/// What the proxies of some workloads get. Of several the narrowest holds, the oldest of equals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyScope {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose proxies.
    pub scope: Scope,
    /// Which services they see. Nothing said means those that are visible to the namespace.
    pub egress: Option<Vec<EgressListener>>,
    /// Listeners for what comes in; nothing said means one a port of the workload's services.
    pub ingress: Option<Vec<IngressListener>>,
    /// Traffic to unknown addresses; the mesh's when not set.
    pub outbound: Option<OutboundPolicy>,
    /// Limits of what comes in.
    pub inbound_pool: Option<Pool>,
}

/// Some of the services, for one port or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressListener {
    /// Where it is declared.
    pub origin: Origin,
    /// Only this port, with its protocol and name.
    pub port: Option<ListenerPort>,
    /// Bind to this address instead of catching what is redirected.
    pub bind: Option<Name>,
    /// Traffic gets here by redirection, as far as the proxy has it; false where callers connect to it.
    pub captured: bool,
    /// Services and routes by namespace and host.
    pub hosts: Vec<ScopedHost>,
}

/// Hosts of one or all namespaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopedHost {
    /// The namespace; none means all.
    pub namespace: Option<Name>,
    /// The hosts.
    pub host: HostPattern,
}

/// A port of a listener.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerPort {
    /// Number.
    pub number: u16,
    /// Name.
    pub name: Name,
    /// Protocol.
    pub protocol: Protocol,
}

/// A listener for what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressListener {
    /// Where it is declared.
    pub origin: Origin,
    /// Port.
    pub port: ListenerPort,
    /// Bind to this address instead of catching what is redirected.
    pub bind: Option<Name>,
    /// Where the process listens: `127.0.0.1:8080`, `0.0.0.0:8080` (the pod's address), `unix:///path`.
    pub target: Option<Name>,
    /// TLS of its own.
    pub tls: Option<Arc<ServerTls>>,
    /// Limits.
    pub pool: Option<Pool>,
}

/// Traffic to addresses that no service has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutboundPolicy {
    /// It passes.
    Allow,
    /// It does not.
    Deny,
    /// It goes to a service, host and port.
    Proxy(Name, u16, Option<Name>),
}

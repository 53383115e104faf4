//! How callers treat a service: policies, per port and per subset.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Balancing, ClientTls, HostPattern, Name, Origin, Outlier, Pool, Predicate, RetryBudget, Visibility};

/// Policies for the callers of some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationPolicy {
    /// Where it is declared; for merged ones the first object.
    pub origin: Origin,
    /// Namespace of the object.
    pub namespace: Name,
    /// The host or hosts, full name or wildcard.
    pub host: HostPattern,
    /// Namespaces that see it.
    pub visibility: Visibility,
    /// Only for callers with these labels (in the namespace of the object).
    pub clients: Option<Predicate>,
    /// For all traffic.
    pub traffic: TrafficPolicy,
    /// Subsets.
    pub subsets: Vec<Arc<Subset>>,
}

/// A part of the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Where it is declared.
    pub origin: Origin,
    /// Name.
    pub name: Name,
    /// The endpoints that are in it.
    pub endpoints: Predicate,
    /// Policies in place of those for all traffic.
    pub traffic: TrafficPolicy,
}

/// Policies; what is not set is the mesh's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrafficPolicy {
    /// For each port of the service, in place of (not merged with) what stands here.
    pub ports: BTreeMap<u16, TrafficPolicy>,
    /// Choice of the endpoint.
    pub balancing: Option<Balancing>,
    /// Limits of connections and requests.
    pub pool: Option<Pool>,
    /// Endpoints that fail are left out for a while.
    pub outlier: Option<Outlier>,
    /// TLS.
    pub tls: Option<ClientTls>,
    /// Connections go through a tunnel.
    pub tunnel: Option<Tunnel>,
    /// The PROXY protocol's version before the first byte.
    pub proxy_protocol: Option<u8>,
    /// How many retries may be under way.
    pub retry_budget: Option<RetryBudget>,
}

/// An HTTP CONNECT (or POST) tunnel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tunnel {
    /// Host of the end of the tunnel.
    pub host: Name,
    /// Its port.
    pub port: u16,
    /// POST instead of CONNECT.
    pub post: bool,
}

impl TrafficPolicy {
    /// What holds for a port of the service, and the policies of a subset on top: the subset's own field wins over
    /// that of the service, a port's settings win as a whole.
    pub fn effective(&self, subset: Option<&Self>, port: u16) -> Self {
        let base = self.ports.get(&port).unwrap_or(self).clone();
        let Some(subset) = subset else { return Self { ports: BTreeMap::new(), ..base } };
        let over = subset.ports.get(&port).unwrap_or(subset).clone();
        Self {
            ports: BTreeMap::new(),
            balancing: over.balancing.or(base.balancing),
            pool: over.pool.or(base.pool),
            outlier: over.outlier.or(base.outlier),
            tls: over.tls.or(base.tls),
            tunnel: over.tunnel.or(base.tunnel),
            proxy_protocol: over.proxy_protocol.or(base.proxy_protocol),
            retry_budget: over.retry_budget.or(base.retry_budget),
        }
    }
}

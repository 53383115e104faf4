//! The proxy that configuration is made for.

use std::net::IpAddr;
use std::sync::Arc;

use crate::ir::{Key, Name, Workload};

/// A proxy, as far as its configuration depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its id: `sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local`.
    pub id: Name,
    /// Beside a workload, or a gateway.
    pub kind: NodeKind,
    /// The workload, as the mesh knows it, or made from what the proxy says of itself.
    pub workload: Arc<Workload>,
    /// The gateway's name, when it is one and says so.
    pub gateway: Option<Key>,
    /// Addresses of the pod.
    pub addresses: Vec<IpAddr>,
    /// How traffic reaches the proxy.
    pub interception: Interception,
    /// Version that it says (`1.27.0`), for patches.
    pub version: Name,
    /// What it says of itself, for patches.
    pub metadata: serde_json::Value,
}

/// Where a proxy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Beside a workload.
    Sidecar,
    /// At the edge.
    Gateway,
}

/// How traffic reaches a sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Interception {
    /// The kernel redirects: outbound to port 15001, inbound to port 15006.
    Redirect,
    /// Nothing redirects (a mesh on one machine). Callers name the destination with the PROXY protocol at the outbound
    /// listener; inbound listeners are bound at the pod's address and lead to the process at another one.
    Explicit {
        /// Where the outbound listener is bound.
        outbound: std::net::SocketAddr,
        /// Where the process listens, with the same ports.
        process: IpAddr,
    },
}

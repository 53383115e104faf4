//! A cluster as the data path uses it, and the table of all clusters.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Host;

/// What a picker may look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'c> {
    /// Hash of the request, from the route's hash policy.
    pub hash: Option<u64>,
    /// Subset that the route asks for: keys and values under `envoy.lb`.
    pub subset: &'c [(String, serde_json::Value)],
    /// Hosts that earlier attempts used, when the retry policy wants others.
    pub avoid: &'c [SocketAddr],
    /// Original destination of the connection, for ORIGINAL_DST clusters.
    pub original_dst: Option<SocketAddr>,
    /// Random number of this choice.
    pub random: u64,
}

/// A cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Name.
    pub name: Arc<str>,
    /// How its connections are made and used.
    pub upstream: super::pool::Upstream,
}

impl Cluster {
    /// Chooses a host. None: there is none that may take the request.
    pub fn pick(&self, _choice: &Choice<'_>) -> Option<Arc<Host>> {
        None
    }
}

/// All clusters by name.
#[derive(Debug, Default)]
pub struct Clusters(ArcSwap<HashMap<Arc<str>, Arc<Cluster>>>);

impl Clusters {
    /// The cluster of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Cluster>> {
        self.0.load().get(name).cloned()
    }
}

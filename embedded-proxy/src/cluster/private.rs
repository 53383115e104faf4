//! A cluster that is in no table: what holds it is the only one that uses it.

use std::sync::Arc;

use super::{Cluster, ClusterConfig};
use crate::services::Build;

/// Such a cluster. Dropping this ends its lookups and connections.
#[derive(Debug)]
pub struct PrivateCluster(Arc<Cluster>);

impl PrivateCluster {
    /// Starts to look for its hosts.
    pub fn start(config: ClusterConfig, build: &Build) -> Self {
        Self(Cluster::start(config, None, build))
    }

    /// The cluster.
    pub fn get(&self) -> &Arc<Cluster> {
        &self.0
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        self.0.stop();
        self.0.retire(&self.0.hosts());
    }
}

//! Clusters for tests, from protobuf JSON.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Cluster, ClusterConfig};
use crate::proto::{Defect, Defects, Reader, from_json};
use crate::services::Build;

pub(crate) use crate::services::for_tests as build;

/// Reads a cluster.
pub(crate) fn read(value: &Value, build: &Build) -> Result<ClusterConfig, Vec<Defect>> {
    let message = from_json("envoy.config.cluster.v3.Cluster", value).unwrap();
    let defects = Defects::new();
    let reader = Reader::new(message, "", &defects);
    let read = ClusterConfig::read(&reader, build);
    drop(reader);
    defects.verdict(read)
}

/// Reads a cluster and adds it.
pub(crate) fn apply(value: &Value, build: &Build) -> Arc<Cluster> {
    build.services.clusters.apply(read(value, build).unwrap(), build)
}

/// A static assignment with these addresses and weights, all in one locality.
pub(crate) fn assignment(hosts: &[(&str, u16, u32)]) -> Value {
    let endpoints: Vec<Value> = hosts
        .iter()
        .map(|(address, port, weight)| {
            json!({"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}},
                   "load_balancing_weight": weight})
        })
        .collect();
    json!({"cluster_name": "c", "endpoints": [{"lb_endpoints": endpoints}]})
}

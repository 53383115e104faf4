//! Endpoints in `/config_dump?include_eds`: as the clusters have them now, with their health.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::clusters::{is_dynamic, locality};
use crate::cluster::{Cluster, Health, Host, LocalityHosts};
use crate::services::Services;

/// The endpoints of each cluster; true: the control plane delivered the cluster.
pub(super) fn all(services: &Services) -> Vec<(bool, String, Value)> {
    let clusters = services.clusters.all();
    let one = |cluster: &std::sync::Arc<Cluster>| {
        (is_dynamic(cluster, services), cluster.name.to_string(), assignment(cluster))
    };
    clusters.iter().map(one).collect()
}

fn assignment(cluster: &Cluster) -> Value {
    let mut localities = Vec::new();
    let mut overprovisioning = 140;
    for (priority, hosts) in cluster.priorities().iter().enumerate() {
        overprovisioning = hosts.overprovisioning;
        localities.extend(hosts.localities.iter().map(|group| group_of(group, priority)));
    }
    let mut assignment = json!({
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": &*cluster.name,
        "policy": {"overprovisioning_factor": overprovisioning},
    });
    if !localities.is_empty() {
        assignment["endpoints"] = localities.into();
    }
    assignment
}

fn group_of(group: &LocalityHosts, priority: usize) -> Value {
    let endpoints: Vec<Value> = group.all.iter().map(|host| endpoint(host)).collect();
    let place = group.all.first().map_or_else(|| json!({}), |host| locality(host));
    let mut value = json!({"locality": place, "lb_endpoints": endpoints, "load_balancing_weight": group.weight});
    if priority > 0 {
        value["priority"] = priority.into();
    }
    value
}

fn endpoint(host: &Host) -> Value {
    let health = match host.health() {
        Health::Healthy => "HEALTHY",
        Health::Degraded => "DEGRADED",
        Health::Unhealthy => "UNHEALTHY",
    };
    let mut endpoint = json!({"address": host.address.to_json(), "health_check_config": {}});
    if let Some(hostname) = host.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
        endpoint["hostname"] = hostname.into();
    }
    let weight = host.weight.load(Ordering::Relaxed);
    let mut value = json!({"endpoint": endpoint, "health_status": health, "load_balancing_weight": weight});
    let metadata = host.metadata();
    if !metadata.is_empty() {
        let all: serde_json::Map<String, Value> =
            metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        value["metadata"] = json!({ "filter_metadata": all });
    }
    value
}

//! The policies of a DestinationRule in one list: of the service, its ports, its subsets and their ports.

use crate::dialects::istio::types::{
    ConnectionPoolSettings, DestinationRule, LoadBalancerSettings, OutlierDetection, TrafficPolicy,
};

/// What policies of services and of ports have in common.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'m> {
    /// Choice of the endpoint.
    pub load_balancer: Option<&'m LoadBalancerSettings>,
    /// Limits.
    pub connection_pool: Option<&'m ConnectionPoolSettings>,
    /// Removal of failing endpoints.
    pub outlier_detection: Option<&'m OutlierDetection>,
}

/// All policies in source order of their lists.
pub fn policies(rule: &DestinationRule) -> Vec<Policy<'_>> {
    let of_subsets = rule.subsets.iter().filter_map(|subset| subset.traffic_policy.as_deref());
    rule.traffic_policy.as_deref().into_iter().chain(of_subsets).flat_map(with_ports).collect()
}

fn with_ports(policy: &TrafficPolicy) -> Vec<Policy<'_>> {
    let whole = Policy {
        load_balancer: policy.load_balancer.as_deref(),
        connection_pool: policy.connection_pool.as_deref(),
        outlier_detection: policy.outlier_detection.as_deref(),
    };
    let ports = policy.port_level_settings.iter().map(|port| Policy {
        load_balancer: port.load_balancer.as_deref(),
        connection_pool: port.connection_pool.as_deref(),
        outlier_detection: port.outlier_detection.as_deref(),
    });
    std::iter::once(whole).chain(ports).collect()
}

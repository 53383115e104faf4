//! Stats of a cluster that concern its hosts and its configuration. Those of connections are the pool's, those of
//! requests the router's.

use std::sync::Arc;

use crate::telemetry::stats::{Counter, Gauge, Scope};

use super::hosts::PriorityHosts;

/// The stats.
#[derive(Debug)]
pub struct ClusterStats {
    /// Hosts.
    pub membership_total: Arc<Gauge>,
    /// Hosts that take traffic.
    pub membership_healthy: Arc<Gauge>,
    /// Hosts that take traffic when the healthy ones are too few.
    pub membership_degraded: Arc<Gauge>,
    /// Hosts out of all counts.
    pub membership_excluded: Arc<Gauge>,
    /// Changes of membership.
    pub membership_change: Arc<Counter>,
    /// Updates tried.
    pub update_attempt: Arc<Counter>,
    /// Updates that worked.
    pub update_success: Arc<Counter>,
    /// Updates that failed.
    pub update_failure: Arc<Counter>,
    /// Updates without any endpoint.
    pub update_empty: Arc<Counter>,
    /// Updates that changed nothing.
    pub update_no_rebuild: Arc<Counter>,
    /// Assignments that came with a time to live, and those that outlived it.
    pub assignment_stale: Arc<Counter>,
    /// Assignments with a time to live.
    pub assignment_timeout_received: Arc<Counter>,
    /// Times a request found no usable host.
    pub upstream_cx_none_healthy: Arc<Counter>,
    /// Requests dropped because the control plane asked for it.
    pub upstream_rq_drop_overload: Arc<Counter>,
    /// Requests whose header names no valid original destination.
    pub original_dst_host_invalid: Arc<Counter>,
}

impl ClusterStats {
    /// Under the scope of a cluster.
    pub fn new(scope: &Scope) -> Self {
        Self {
            membership_total: scope.gauge("membership_total"),
            membership_healthy: scope.gauge("membership_healthy"),
            membership_degraded: scope.gauge("membership_degraded"),
            membership_excluded: scope.gauge("membership_excluded"),
            membership_change: scope.counter("membership_change"),
            update_attempt: scope.counter("update_attempt"),
            update_success: scope.counter("update_success"),
            update_failure: scope.counter("update_failure"),
            update_empty: scope.counter("update_empty"),
            update_no_rebuild: scope.counter("update_no_rebuild"),
            assignment_stale: scope.counter("assignment_stale"),
            assignment_timeout_received: scope.counter("assignment_timeout_received"),
            upstream_cx_none_healthy: scope.counter("upstream_cx_none_healthy"),
            upstream_rq_drop_overload: scope.counter("upstream_rq_drop_overload"),
            original_dst_host_invalid: scope.counter("original_dst_host_invalid"),
        }
    }

    /// Shows how many hosts there are.
    pub fn show(&self, priorities: &[PriorityHosts]) {
        let sum = |count: fn(&PriorityHosts) -> usize| {
            i64::try_from(priorities.iter().map(count).sum::<usize>()).unwrap_or(i64::MAX)
        };
        self.membership_total.set(sum(|priority| priority.all.len()));
        self.membership_healthy.set(sum(|priority| priority.healthy.len()));
        self.membership_degraded.set(sum(|priority| priority.degraded.len()));
        self.membership_excluded.set(sum(|priority| priority.excluded));
    }
}

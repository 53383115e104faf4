//! Stats of health checks: `cluster.NAME.health_check.*`.

use std::sync::Arc;

use crate::cluster::Host;
use crate::cluster::host::flag;
use crate::telemetry::stats::{Counter, Gauge, Scope};

/// The stats.
#[derive(Debug)]
pub(super) struct HealthStats {
    pub(super) attempt: Arc<Counter>,
    pub(super) success: Arc<Counter>,
    pub(super) failure: Arc<Counter>,
    pub(super) passive_failure: Arc<Counter>,
    pub(super) network_failure: Arc<Counter>,
    pub(super) verify_cluster: Arc<Counter>,
    healthy: Arc<Gauge>,
    degraded: Arc<Gauge>,
}

impl HealthStats {
    pub(super) fn new(scope: &Scope) -> Self {
        let scope = scope.sub("health_check");
        Self {
            attempt: scope.counter("attempt"),
            success: scope.counter("success"),
            failure: scope.counter("failure"),
            passive_failure: scope.counter("passive_failure"),
            network_failure: scope.counter("network_failure"),
            verify_cluster: scope.counter("verify_cluster"),
            healthy: scope.gauge("healthy"),
            degraded: scope.gauge("degraded"),
        }
    }

    /// Shows how many of the hosts that are checked are well.
    pub(super) fn show(&self, hosts: &[Arc<Host>]) {
        let count = |well: &dyn Fn(&Host) -> bool| {
            let count = hosts.iter().filter(|host| !host.check.disabled && well(host)).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        self.healthy.set(count(&|host| !host.has(flag::FAILED_ACTIVE_HC)));
        self.degraded.set(count(&|host| host.has(flag::DEGRADED_ACTIVE_HC)));
    }
}

//! Stats of virtual clusters and of routes with a prefix.

use std::sync::Arc;

use crate::services::Build;
use crate::telemetry::stats::{Codes, Counter, Histogram, Scope};

/// Stats of some of the traffic of a virtual host.
#[derive(Debug)]
pub struct TrafficStats {
    /// Responses by code and class.
    pub codes: Codes,
    /// Requests.
    pub total: Arc<Counter>,
    /// Retries.
    pub retry: Arc<Counter>,
    /// Retries that no more were allowed for.
    pub retry_limit_exceeded: Arc<Counter>,
    /// Retries that a circuit breaker stopped.
    pub retry_overflow: Arc<Counter>,
    /// Retries after which a request went well.
    pub retry_success: Arc<Counter>,
    /// Requests that took too long.
    pub timeout: Arc<Counter>,
    /// Milliseconds from request to response.
    pub time: Arc<Histogram>,
}

impl TrafficStats {
    fn new(scope: &Scope) -> Arc<Self> {
        Arc::new(Self {
            codes: Codes::new(scope.clone()),
            total: scope.counter("upstream_rq_total"),
            retry: scope.counter("upstream_rq_retry"),
            retry_limit_exceeded: scope.counter("upstream_rq_retry_limit_exceeded"),
            retry_overflow: scope.counter("upstream_rq_retry_overflow"),
            retry_success: scope.counter("upstream_rq_retry_success"),
            timeout: scope.counter("upstream_rq_timeout"),
            time: scope.histogram("upstream_rq_time"),
        })
    }
}

/// Makes the stats of a virtual host's parts.
#[derive(Debug)]
pub(super) struct RouteStats(Scope);

impl RouteStats {
    /// `vhost.NAME`
    pub(super) fn of_host(name: &str, build: &Build) -> Self {
        Self(Scope::root(&build.services.stats).tagged("vhost", "envoy_virtual_host", name))
    }

    /// `vhost.NAME.route.PREFIX`
    pub(super) fn route(&self, prefix: &str) -> Arc<TrafficStats> {
        TrafficStats::new(&self.0.tagged("route", "envoy_route", prefix))
    }

    /// `vhost.NAME.vcluster.NAME`
    pub(super) fn virtual_cluster(&self, name: &str) -> Arc<TrafficStats> {
        TrafficStats::new(&self.0.tagged("vcluster", "envoy_virtual_cluster", name))
    }
}

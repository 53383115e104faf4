//! Counts of one listener under `listener.ADDRESS.`.

use std::sync::Arc;

use tokio::time::Instant;

use crate::net::Address;
use crate::telemetry::stats::{Counter, Gauge, Histogram, Scope, Stats};

/// The scope of a listener's stats: its `stat_prefix`, or its address with `_` for `:`.
pub fn scope(stats: &Stats, prefix: Option<&str>, address: &Address) -> Scope {
    let address = address.to_string();
    let name = prefix.unwrap_or(&address).replace(':', "_");
    Scope::root(stats).tagged("listener", "envoy_listener_address", &name)
}

/// Counts of connections.
#[derive(Debug)]
pub struct ListenerStats {
    pub(super) total: Arc<Counter>,
    destroyed: Arc<Counter>,
    active: Arc<Gauge>,
    length: Arc<Histogram>,
    pub(super) no_match: Arc<Counter>,
    pub(super) overflow: Arc<Counter>,
    pub(super) global_overflow: Arc<Counter>,
    pub(super) pre_timeout: Arc<Counter>,
    pub(super) pre_active: Arc<Gauge>,
    pub(super) connect_timeout: Arc<Counter>,
    pub(super) filter_close: Arc<Counter>,
    pub(super) filter_error: Arc<Counter>,
}

impl ListenerStats {
    /// The counts of a scope.
    pub fn new(scope: &Scope) -> Self {
        Self {
            total: scope.counter("downstream_cx_total"),
            destroyed: scope.counter("downstream_cx_destroy"),
            active: scope.gauge("downstream_cx_active"),
            length: scope.histogram("downstream_cx_length_ms"),
            no_match: scope.counter("no_filter_chain_match"),
            overflow: scope.counter("downstream_cx_overflow"),
            global_overflow: scope.counter("downstream_global_cx_overflow"),
            pre_timeout: scope.counter("downstream_pre_cx_timeout"),
            pre_active: scope.gauge("downstream_pre_cx_active"),
            connect_timeout: scope.counter("downstream_cx_transport_socket_connect_timeout"),
            filter_close: scope.counter("downstream_listener_filter_remote_close"),
            filter_error: scope.counter("downstream_listener_filter_error"),
        }
    }
}

/// A connection in the counts, from its filter chain to its end.
pub(super) struct Counted {
    stats: Arc<ListenerStats>,
    began: Instant,
}

impl Counted {
    pub(super) fn new(stats: &Arc<ListenerStats>) -> Self {
        stats.total.inc();
        stats.active.add(1);
        Self { stats: stats.clone(), began: Instant::now() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.stats.active.add(-1);
        self.stats.destroyed.inc();
        self.stats.length.record(self.began.elapsed().as_secs_f64() * 1000.0);
    }
}

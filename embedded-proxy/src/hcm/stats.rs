//! Stats of a connection manager: `http.PREFIX.*`.

use std::sync::Arc;

use crate::http::Version;
use crate::stream::{Flag, StreamInfo};
use crate::telemetry::stats::{Counter, Gauge, Histogram, Scope};

/// All of them, looked up once.
#[derive(Debug)]
pub struct HcmStats {
    requests: Arc<Counter>,
    http1: Arc<Counter>,
    http2: Arc<Counter>,
    active: Arc<Gauge>,
    completed: Arc<Counter>,
    classes: [Arc<Counter>; 5],
    time: Arc<Histogram>,
    remote_reset: Arc<Counter>,
    idle_timeout: Arc<Counter>,
    timeout: Arc<Counter>,
    too_large: Arc<Counter>,
    /// Requests with a path that does not begin with a slash.
    pub non_relative_path: Arc<Counter>,
    /// Upgraded streams.
    pub upgrades: Arc<Counter>,
    connections: Arc<Counter>,
    connections_active: Arc<Gauge>,
    connections_http1: Arc<Counter>,
    connections_http2: Arc<Counter>,
    connections_http1_active: Arc<Gauge>,
    connections_http2_active: Arc<Gauge>,
    protocol_error: Arc<Counter>,
}

impl HcmStats {
    /// The stats under `scope`, which is `http.PREFIX.`.
    pub fn new(scope: &Scope) -> Self {
        let class =
            |digit: u8| scope.counter_tagged("downstream_rq_", "envoy_response_code_class", &format!("{digit}xx"));
        Self {
            requests: scope.counter("downstream_rq_total"),
            http1: scope.counter("downstream_rq_http1_total"),
            http2: scope.counter("downstream_rq_http2_total"),
            active: scope.gauge("downstream_rq_active"),
            completed: scope.counter("downstream_rq_completed"),
            classes: [class(1), class(2), class(3), class(4), class(5)],
            time: scope.histogram("downstream_rq_time"),
            remote_reset: scope.counter("downstream_rq_rx_reset"),
            idle_timeout: scope.counter("downstream_rq_idle_timeout"),
            timeout: scope.counter("downstream_rq_timeout"),
            too_large: scope.counter("downstream_rq_too_large"),
            non_relative_path: scope.counter("downstream_rq_non_relative_path"),
            upgrades: scope.counter("downstream_cx_upgrades_total"),
            connections: scope.counter("downstream_cx_total"),
            connections_active: scope.gauge("downstream_cx_active"),
            connections_http1: scope.counter("downstream_cx_http1_total"),
            connections_http2: scope.counter("downstream_cx_http2_total"),
            connections_http1_active: scope.gauge("downstream_cx_http1_active"),
            connections_http2_active: scope.gauge("downstream_cx_http2_active"),
            protocol_error: scope.counter("downstream_cx_protocol_error"),
        }
    }

    /// A request begins.
    pub(super) fn begin(&self, version: Version) {
        self.requests.inc();
        self.active.add(1);
        match version {
            Version::Http2 => self.http2.inc(),
            Version::Http10 | Version::Http11 => self.http1.inc(),
        }
    }

    /// A request is over.
    pub(super) fn end(&self, info: &StreamInfo) {
        self.active.add(-1);
        if let Some(class) = info.code.and_then(|code| self.classes.get(usize::from(code / 100).wrapping_sub(1))) {
            self.completed.inc();
            class.inc();
        }
        if matches!(info.code, Some(413 | 431)) {
            self.too_large.inc();
        }
        if !info.flags.is_empty() {
            self.flags(info);
        }
        self.time.record(info.duration().as_secs_f64() * 1000.0);
    }

    fn flags(&self, info: &StreamInfo) {
        let rows = [
            (Flag::DownstreamRemoteReset, &self.remote_reset),
            (Flag::StreamIdleTimeout, &self.idle_timeout),
            (Flag::DurationTimeout, &self.timeout),
            (Flag::DownstreamProtocolError, &self.protocol_error),
        ];
        for (flag, counter) in rows {
            if info.flags.has(flag) {
                counter.inc();
            }
        }
    }
}

/// Counts a connection as long as it lives.
#[derive(Debug)]
pub struct ConnectionCount {
    stats: Arc<HcmStats>,
    http2: bool,
}

impl ConnectionCount {
    /// A connection that speaks `version` begins.
    pub fn begin(stats: &Arc<HcmStats>, version: Version) -> Self {
        let http2 = version == Version::Http2;
        stats.connections.inc();
        stats.connections_active.add(1);
        if http2 {
            stats.connections_http2.inc();
            stats.connections_http2_active.add(1);
        } else {
            stats.connections_http1.inc();
            stats.connections_http1_active.add(1);
        }
        Self { stats: stats.clone(), http2 }
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.stats.connections_active.add(-1);
        let active =
            if self.http2 { &self.stats.connections_http2_active } else { &self.stats.connections_http1_active };
        active.add(-1);
    }
}

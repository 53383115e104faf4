//! Stats of a connection manager: `http.PREFIX.*`.

use std::sync::Arc;

use super::ConnectionStats;
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
    protocol_error: Arc<Counter>,
    header_timeout: Arc<Counter>,
    max_duration: Arc<Counter>,
    /// Answers by class that the connection manager gave on one listener: `listener.ADDRESS.http.PREFIX.*`.
    of_listener: ([Arc<Counter>; 5], Arc<Counter>),
    /// Connections.
    pub connections: ConnectionStats,
}

impl HcmStats {
    /// The stats under `scope`, which is `http.PREFIX.`, and those under `of_listener`, `listener.ADDRESS.http.PREFIX.`.
    pub fn new(scope: &Scope, of_listener: &Scope) -> Self {
        Self {
            requests: scope.counter("downstream_rq_total"),
            http1: scope.counter("downstream_rq_http1_total"),
            http2: scope.counter("downstream_rq_http2_total"),
            active: scope.gauge("downstream_rq_active"),
            completed: scope.counter("downstream_rq_completed"),
            classes: classes(scope),
            time: scope.histogram("downstream_rq_time"),
            remote_reset: scope.counter("downstream_rq_rx_reset"),
            idle_timeout: scope.counter("downstream_rq_idle_timeout"),
            timeout: scope.counter("downstream_rq_timeout"),
            too_large: scope.counter("downstream_rq_too_large"),
            non_relative_path: scope.counter("downstream_rq_non_relative_path"),
            upgrades: scope.counter("downstream_cx_upgrades_total"),
            protocol_error: scope.counter("downstream_cx_protocol_error"),
            header_timeout: scope.counter("downstream_rq_header_timeout"),
            max_duration: scope.counter("downstream_rq_max_duration_reached"),
            of_listener: (classes(of_listener), of_listener.counter("downstream_rq_completed")),
            connections: ConnectionStats::new(scope),
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
        if let Some(class) = info.code.map(|code| usize::from(code / 100).wrapping_sub(1)).filter(|class| *class < 5) {
            self.completed.inc();
            self.classes[class].inc();
            let (classes, completed) = &self.of_listener;
            completed.inc();
            classes[class].inc();
        }
        match info.details.as_deref() {
            Some("request_header_timeout") => self.header_timeout.inc(),
            Some("max_duration_timeout") => self.max_duration.inc(),
            _ => {}
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

/// Counters of answers by class.
fn classes(scope: &Scope) -> [Arc<Counter>; 5] {
    ["1xx", "2xx", "3xx", "4xx", "5xx"]
        .map(|class| scope.counter_tagged("downstream_rq_", "envoy_response_code_class", class))
}

//! Stats of the connections of a connection manager: `http.PREFIX.downstream_cx_*`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::Hcm;
use crate::http::Version;
use crate::net::{Counted, Io};
use crate::stream::Connection;
use crate::telemetry::stats::{Counter, Gauge, Histogram, Scope};

/// All of them, looked up once.
#[derive(Debug)]
pub struct ConnectionStats {
    total: Arc<Counter>,
    active: Arc<Gauge>,
    http1: (Arc<Counter>, Arc<Gauge>),
    http2: (Arc<Counter>, Arc<Gauge>),
    tls: (Arc<Counter>, Arc<Gauge>),
    destroyed: Arc<Counter>,
    destroyed_here: Arc<Counter>,
    destroyed_there: Arc<Counter>,
    length: Arc<Histogram>,
    received: Arc<Counter>,
    sent: Arc<Counter>,
    /// Connections that are upgraded now.
    pub upgraded: Arc<Gauge>,
    /// Connections closed because the proxy or the listener drains.
    pub drained: Arc<Counter>,
    /// Connections closed because nobody used them.
    pub idle: Arc<Counter>,
    /// Connections closed because they were old.
    pub aged: Arc<Counter>,
    /// Connections closed because they had served enough.
    pub served_enough: Arc<Counter>,
    /// Connections whose client did not close them in time after the last answer.
    pub delayed_close: Arc<Counter>,
}

impl ConnectionStats {
    /// The stats under `scope`, which is `http.PREFIX.`.
    pub(super) fn new(scope: &Scope) -> Self {
        let counter = |name: &str| scope.counter(&format!("downstream_cx_{name}"));
        let gauge = |name: &str| scope.gauge(&format!("downstream_cx_{name}"));
        let both = |name: &str| (counter(&format!("{name}_total")), gauge(&format!("{name}_active")));
        Self {
            total: counter("total"),
            active: gauge("active"),
            http1: both("http1"),
            http2: both("http2"),
            tls: both("ssl"),
            destroyed: counter("destroy"),
            destroyed_here: counter("destroy_local"),
            destroyed_there: counter("destroy_remote"),
            length: scope.histogram("downstream_cx_length_ms"),
            received: counter("rx_bytes_total"),
            sent: counter("tx_bytes_total"),
            upgraded: gauge("upgrades_active"),
            drained: counter("drain_close"),
            idle: counter("idle_timeout"),
            aged: counter("max_duration_reached"),
            served_enough: counter("max_requests_reached"),
            delayed_close: counter("delayed_close_timeout"),
        }
    }

    fn version(&self, http2: bool) -> &(Arc<Counter>, Arc<Gauge>) {
        if http2 { &self.http2 } else { &self.http1 }
    }
}

/// Counts a connection as long as this lives.
#[derive(Debug)]
pub struct ConnectionCount {
    hcm: Arc<Hcm>,
    http2: bool,
    tls: bool,
    began: Instant,
    /// The client closed it.
    there: Arc<AtomicBool>,
}

impl ConnectionCount {
    /// A connection that speaks `version` begins; the bytes of the stream that is returned are counted.
    pub fn begin(hcm: &Arc<Hcm>, version: Version, connection: &Connection, io: Io) -> (Self, Io) {
        let stats = &hcm.stats.connections;
        let (http2, tls) = (version == Version::Http2, connection.tls.is_some());
        let begins = |(total, active): &(Arc<Counter>, Arc<Gauge>)| {
            total.inc();
            active.add(1);
        };
        stats.total.inc();
        stats.active.add(1);
        begins(stats.version(http2));
        if tls {
            begins(&stats.tls);
        }
        let there = Arc::new(AtomicBool::new(false));
        let io = Counted::new(io, stats.received.clone(), stats.sent.clone(), there.clone());
        let count = Self { hcm: hcm.clone(), http2, tls, began: Instant::now(), there };
        (count, Io::Counted(Box::new(io)))
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        let stats = &self.hcm.stats.connections;
        stats.active.add(-1);
        stats.version(self.http2).1.add(-1);
        if self.tls {
            stats.tls.1.add(-1);
        }
        stats.destroyed.inc();
        if self.there.load(Ordering::Relaxed) { &stats.destroyed_there } else { &stats.destroyed_here }.inc();
        stats.length.record(self.began.elapsed().as_secs_f64() * 1000.0);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_connection_counts_from_its_first_byte_to_its_end() {
        let hcm = Arc::new(Hcm::for_tests(&json!({})));
        let address = "127.0.0.1:1".parse().unwrap();
        let (mut client, server) = tokio::io::duplex(64);
        let connection = Connection::plain(address, address);
        let (count, mut io) = ConnectionCount::begin(&hcm, Version::Http2, &connection, Io::Memory(server));
        let stats = &hcm.stats.connections;
        assert_eq!((stats.active.value(), stats.http2.1.value(), stats.http1.1.value()), (1, 1, 0));
        client.write_all(b"abc").await.unwrap();
        drop(client);
        let mut read = Vec::new();
        io.read_to_end(&mut read).await.unwrap();
        assert_eq!((stats.received.value(), stats.sent.value()), (3, 0));
        drop(count);
        assert_eq!((stats.active.value(), stats.http2.1.value(), stats.total.value()), (0, 0, 1));
        assert_eq!((stats.destroyed_there.value(), stats.destroyed_here.value()), (1, 0));
    }
}

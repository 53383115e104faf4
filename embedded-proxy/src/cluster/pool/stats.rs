//! Stats of upstream connections and requests, under Envoy's names.

use std::sync::Arc;

use crate::telemetry::stats::{Counter, Gauge, Histogram, Scope};

macro_rules! stats {
    ($($kind:ident $method:ident $field:ident $doc:literal;)*) => {
        /// The stats; see Envoy's list of cluster statistics for what each counts.
        #[derive(Debug)]
        pub struct PoolStats { $(#[doc = $doc] pub $field: Arc<$kind>,)* }

        impl PoolStats {
            /// Under the scope of a cluster.
            pub fn new(scope: &Scope) -> Self {
                Self { $($field: scope.$method(concat!("upstream_", stringify!($field))),)* }
            }
        }
    };
}

stats! {
    Counter counter cx_total "Connections opened.";
    Gauge gauge cx_active "Connections now.";
    Counter counter cx_http1_total "Connections of HTTP/1.";
    Counter counter cx_http2_total "Connections of HTTP/2.";
    Counter counter cx_http3_total "Connections of HTTP/3: none.";
    Counter counter cx_connect_fail "Connections that could not be made.";
    Counter counter cx_connect_timeout "Connections that took too long to make.";
    Counter counter cx_idle_timeout "Connections closed because nobody used them.";
    Counter counter cx_max_duration_reached "Connections closed because they were old.";
    Counter counter cx_overflow "Times the limit of connections was met.";
    Counter counter cx_pool_overflow "Times the limit of pools was met.";
    Histogram histogram cx_connect_ms "Time to connect.";
    Histogram histogram cx_length_ms "Life of connections.";
    Counter counter cx_destroy "Connections closed.";
    Counter counter cx_destroy_local "Connections closed here.";
    Counter counter cx_destroy_remote "Connections closed by the peer.";
    Counter counter cx_destroy_with_active_rq "Connections closed with requests on them.";
    Counter counter cx_destroy_local_with_active_rq "The same, closed here.";
    Counter counter cx_destroy_remote_with_active_rq "The same, closed by the peer.";
    Counter counter cx_close_notify "Connections that the peer asked to use no more.";
    Counter counter cx_rx_bytes_total "Bytes received.";
    Counter counter cx_tx_bytes_total "Bytes sent.";
    Counter counter cx_protocol_error "Connections on which the peer broke the protocol.";
    Counter counter cx_max_requests "Connections closed because they had served enough.";
    Counter counter rq_total "Requests begun.";
    Gauge gauge rq_active "Requests now.";
    Counter counter rq_pending_total "Requests that had to wait for a connection.";
    Counter counter rq_pending_overflow "Requests refused by the limits.";
    Counter counter rq_pending_failure_eject "Requests that failed because their connection could not be made.";
    Gauge gauge rq_pending_active "Requests that wait for a connection.";
    Counter counter rq_cancelled "Requests given up while they waited.";
    Counter counter rq_rx_reset "Requests reset by the peer.";
    Counter counter rq_tx_reset "Requests reset here.";
}

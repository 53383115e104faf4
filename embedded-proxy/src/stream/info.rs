//! What happened to one exchange (or one TCP connection): the record that logs, metrics and traces are made from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;

use super::{Flags, Passed, Sharing, Tls, passed};
use crate::http::{Headers, ResponseHead};
use crate::net::Address;

/// The upstream side of an exchange: the last attempt.
#[derive(Debug, Clone, Default)]
pub struct UpstreamInfo {
    /// Name of the cluster.
    pub cluster: Option<Arc<str>>,
    /// Observability name of the cluster (`alt_stat_name`).
    pub cluster_alt: Option<Arc<str>>,
    /// Address of the chosen host.
    pub host: Option<Address>,
    /// Host name of the chosen endpoint, when it has one.
    pub hostname: Option<Arc<str>>,
    /// Our address on the upstream connection.
    pub local: Option<SocketAddr>,
    /// TLS facts of the upstream connection.
    pub tls: Option<Arc<Tls>>,
    /// Why the transport failed, if it did.
    pub failure: Option<String>,
    /// Version spoken upstream (`HTTP/1.1`).
    pub protocol: Option<&'static str>,
    /// Metadata of the chosen endpoint.
    pub metadata: Option<Arc<BTreeMap<String, Value>>>,
}

/// The record of an exchange.
#[derive(Debug)]
pub struct StreamInfo {
    /// When it began, for people.
    pub started_at: SystemTime,
    /// When it began, for durations.
    pub started: Instant,
    /// Response code sent, none when none was.
    pub code: Option<u16>,
    /// Envoy's word for where the code came from (`via_upstream`, `route_not_found`, ...).
    pub details: Option<String>,
    /// Why the connection was ended, if it was.
    pub termination: Option<String>,
    /// Why the handshake with the client failed, if it did.
    pub transport_failure: Option<Box<str>>,
    /// Flags.
    pub flags: Flags,
    /// Body bytes received from the client.
    pub bytes_received: u64,
    /// Body bytes sent to the client.
    pub bytes_sent: u64,
    /// Body bytes sent upstream and received from there.
    pub upstream_bytes: (u64, u64),
    /// `downstream`: last byte of the request received.
    pub request_received: Option<Instant>,
    /// First byte of the request sent upstream.
    pub upstream_started: Option<Instant>,
    /// Last byte of the request sent upstream.
    pub upstream_sent: Option<Instant>,
    /// First byte of the response received.
    pub upstream_first: Option<Instant>,
    /// Last byte of the response received.
    pub upstream_last: Option<Instant>,
    /// First byte of the response sent to the client.
    pub response_started: Option<Instant>,
    /// Last byte of the response sent to the client.
    pub response_sent: Option<Instant>,
    /// Attempts upstream.
    pub attempts: u32,
    /// Upstream side.
    pub upstream: UpstreamInfo,
    /// Name of the matched route.
    pub route_name: Option<Arc<str>>,
    /// Name of the matched virtual host.
    pub virtual_host: Option<Arc<str>>,
    /// Dynamic metadata by namespace (filter name).
    pub metadata: BTreeMap<String, Value>,
    /// Filter state that is text by its key.
    pub state: BTreeMap<String, String>,
    /// Which of these texts go along to listeners inside the proxy.
    pub shared: BTreeMap<String, Sharing>,
    /// Filter state that is more than a text, as JSON, by its key.
    pub objects: BTreeMap<String, Value>,
    /// Whether this was a health check of ours that logs may leave out.
    pub health_check: bool,
    /// Trace id (hex) and whether the trace is sampled.
    pub trace: Option<(String, bool)>,
    /// Id of our span in the trace (hex).
    pub span: Option<String>,
    /// Head of the response sent: `Served` moves it here when the exchange is over, before filters and logs see the end.
    pub response: Option<ResponseHead>,
    /// Trailers of the response: the codec notes them when it sends them.
    pub trailers: Option<Headers>,
    /// Client's address when `x-forwarded-for` is trusted for it; otherwise the connection's counts.
    pub remote: Option<Address>,
    /// Metadata of the cluster.
    pub cluster_metadata: Option<Arc<BTreeMap<String, Value>>>,
    /// Metadata of the matched route.
    pub route_metadata: Option<Arc<BTreeMap<String, Value>>>,
    /// Name of the matched virtual cluster.
    pub virtual_cluster: Option<Arc<str>>,
}

impl StreamInfo {
    /// A record that begins now.
    pub fn begin() -> Self {
        Self {
            started_at: SystemTime::now(),
            started: Instant::now(),
            code: None,
            details: None,
            termination: None,
            transport_failure: None,
            flags: Flags::default(),
            bytes_received: 0,
            bytes_sent: 0,
            upstream_bytes: (0, 0),
            request_received: None,
            upstream_started: None,
            upstream_sent: None,
            upstream_first: None,
            upstream_last: None,
            response_started: None,
            response_sent: None,
            attempts: 0,
            upstream: UpstreamInfo::default(),
            route_name: None,
            virtual_host: None,
            metadata: BTreeMap::new(),
            state: BTreeMap::new(),
            shared: BTreeMap::new(),
            objects: BTreeMap::new(),
            health_check: false,
            trace: None,
            span: None,
            response: None,
            trailers: None,
            remote: None,
            cluster_metadata: None,
            route_metadata: None,
            virtual_cluster: None,
        }
    }

    /// The filter state that goes along to a listener inside the proxy, if there is some.
    pub fn passed(&self) -> Option<Passed> {
        passed(&self.state, &self.shared)
    }

    /// From the beginning to the last byte sent, or to now when the exchange goes on.
    pub fn duration(&self) -> Duration {
        self.response_sent.unwrap_or_else(Instant::now).saturating_duration_since(self.started)
    }
}

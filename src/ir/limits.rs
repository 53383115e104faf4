//! Limits of connections and requests, and the leaving out of endpoints that fail.

use std::time::Duration;

use super::{Origin, Share};

/// Limits of connections and requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// Where they are declared.
    pub origin: Origin,
    /// Connections to the service.
    pub max_connections: Option<u32>,
    /// Time to connect.
    pub connect_timeout: Option<Duration>,
    /// Keep-alive probes.
    pub keepalive: Option<Keepalive>,
    /// Longest life of a connection.
    pub max_connection_duration: Option<Duration>,
    /// Longest silence of a connection without HTTP.
    pub tcp_idle_timeout: Option<Duration>,
    /// Requests that wait for a connection.
    pub max_pending_requests: Option<u32>,
    /// Requests under way.
    pub max_requests: Option<u32>,
    /// Requests on one connection; 0 is no limit.
    pub max_requests_per_connection: Option<u32>,
    /// Retries under way.
    pub max_retries: Option<u32>,
    /// Longest silence of a connection with HTTP.
    pub http_idle_timeout: Option<Duration>,
    /// HTTP/2 towards the endpoints of an HTTP/1 port.
    pub upgrade_to_http2: Option<bool>,
    /// The protocol of the caller towards the endpoints.
    pub use_client_protocol: bool,
    /// Streams on one HTTP/2 connection.
    pub max_concurrent_streams: Option<u32>,
    /// Interval and time limit of HTTP/2 pings.
    pub http2_keepalive: Option<(Option<Duration>, Option<Duration>)>,
}

/// Keep-alive probes of TCP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keepalive {
    /// How many without an answer.
    pub probes: Option<u32>,
    /// Silence before the first.
    pub time: Option<Duration>,
    /// Time between two.
    pub interval: Option<Duration>,
}

/// Endpoints that fail are left out for a while.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlier {
    /// Where it is declared.
    pub origin: Origin,
    /// Server errors in a row; 0 turns the count off.
    pub consecutive_5xx: Option<u32>,
    /// 502, 503 and 504 in a row; 0 turns the count off.
    pub consecutive_gateway_errors: Option<u32>,
    /// Failures to connect, and timeouts, in a row.
    pub consecutive_local_failures: Option<u32>,
    /// Count local failures on their own.
    pub split_local_failures: bool,
    /// Time between two looks.
    pub interval: Option<Duration>,
    /// First time out.
    pub base_ejection: Option<Duration>,
    /// Longest time out.
    pub max_ejection: Option<Duration>,
    /// Largest part of the endpoints that may be out, in percent.
    pub max_ejection_percent: Option<u32>,
    /// Part of healthy endpoints under which nothing is left out, in percent.
    pub min_health_percent: Option<u32>,
}

/// How many retries may be under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    /// Where it is declared.
    pub origin: Origin,
    /// In relation to the requests under way.
    pub share: Share,
    /// These are always allowed.
    pub minimum: u32,
}

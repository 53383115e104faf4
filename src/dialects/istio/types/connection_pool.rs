//! Limits of connections and requests to a service.

use super::rules::{DURATION, INT32, UINT32};
use crate::schema::{At, Int, Period};
use crate::{choice, message};

message! {
    /// Limits of connections and requests to a service.
    pub struct ConnectionPoolSettings {
        /// Limits of every protocol.
        tcp: Option<TcpSettings> = "tcp",
        /// Limits of HTTP.
        http: Option<HttpSettings> = "http",
    }
}

message! {
    /// Limits of connections.
    pub struct TcpSettings {
        /// Most connections to the service at once.
        max_connections: Option<Int> = "maxConnections" [INT32],
        /// Time to establish a connection.
        connect_timeout: Option<At<Period>> = "connectTimeout" [DURATION],
        /// Keepalive of the operating system.
        tcp_keepalive: Option<TcpKeepalive> = "tcpKeepalive",
        /// Longest life of a connection.
        max_connection_duration: Option<At<Period>> = "maxConnectionDuration" [DURATION],
        /// Time without bytes after which a connection is closed; 0s turns it off.
        idle_timeout: Option<At<Period>> = "idleTimeout",
    }
}

message! {
    /// Keepalive of the operating system.
    pub struct TcpKeepalive {
        /// Probes without an answer before a connection counts as dead.
        probes: Option<Int> = "probes" [UINT32],
        /// Idle time before the first probe.
        time: Option<At<Period>> = "time" [DURATION],
        /// Time between probes.
        interval: Option<At<Period>> = "interval" [DURATION],
    }
}

message! {
    /// Limits of HTTP.
    pub struct HttpSettings {
        /// Most requests that wait for a connection.
        http1_max_pending_requests: Option<Int> = "http1MaxPendingRequests" [INT32],
        /// Most requests to the service at once.
        http2_max_requests: Option<Int> = "http2MaxRequests" [INT32],
        /// Requests after which a connection is closed; 0 means no limit, 1 no keepalive.
        max_requests_per_connection: Option<Int> = "maxRequestsPerConnection" [INT32],
        /// Most retries at once.
        max_retries: Option<Int> = "maxRetries" [INT32],
        /// Time without requests after which a connection is closed.
        idle_timeout: Option<At<Period>> = "idleTimeout" [DURATION],
        /// Whether HTTP/1.1 becomes HTTP/2 on the way to the service.
        h2_upgrade_policy: Option<At<H2UpgradePolicy>> = "h2UpgradePolicy",
        /// Speak the caller's HTTP version to the service.
        use_client_protocol: Option<At<bool>> = "useClientProtocol",
        /// Most streams in one HTTP/2 connection.
        max_concurrent_streams: Option<Int> = "maxConcurrentStreams" [INT32],
        /// Keepalive of HTTP/2.
        http2_keep_alive: Option<Http2KeepAlive> = "http2KeepAlive",
    }
}

message! {
    /// Keepalive of HTTP/2.
    pub struct Http2KeepAlive {
        /// Time between pings.
        interval: Option<At<Period>> = "interval" [DURATION],
        /// Time for the answer.
        timeout: Option<At<Period>> = "timeout" [DURATION],
    }
}

choice! {
    /// Whether HTTP/1.1 becomes HTTP/2 on the way to a service.
    pub enum H2UpgradePolicy {
        /// As the mesh is set.
        Default = "DEFAULT",
        /// No.
        DoNotUpgrade = "DO_NOT_UPGRADE",
        /// Yes.
        Upgrade = "UPGRADE",
    }
}

//! What the codecs need to know of `HttpConnectionManager`.

use std::time::Duration;

/// Which versions of HTTP a listener or an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// What the client starts with (its preface, or ALPN).
    Auto,
    /// HTTP/1.0 and 1.1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
}

/// Options of HTTP/1 on the downstream side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http1Options {
    /// Accept requests whose target is an absolute URL (Envoy's default: yes).
    pub absolute_url: bool,
    /// Accept HTTP/1.0 without an own connection manager option (Envoy's default: no, answered with 426).
    pub http10: bool,
    /// `Host` used for HTTP/1.0 requests that have none.
    pub default_host: String,
    /// Accept trailers (Envoy's default: no, they are dropped).
    pub trailers: bool,
    /// Answer `Transfer-Encoding: chunked` with `Content-Length` by removing the length instead of refusing.
    pub allow_chunked_length: bool,
}

/// Options of HTTP/2, on either side. `http::h2` reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct Http2Options {
    /// Streams at the same time: those the peer may open, or those opened at most on an upstream connection (1024).
    pub max_concurrent_streams: u32,
    /// Flow control window of a stream, bytes.
    pub stream_window: u32,
    /// Flow control window of a connection, bytes.
    pub connection_window: u32,
    /// Size of the table for header compression, bytes (4096).
    pub header_table: u32,
    /// Accept and offer extended CONNECT.
    pub allow_connect: bool,
    /// Keep-alive pings.
    pub keepalive: Option<Keepalive>,
    /// RST_STREAM frames that a client may send at once, and how many more each second (1000 and 33).
    pub resets: (u64, u64),
}

/// Pings that find dead connections.
#[derive(Debug, Clone, PartialEq)]
pub struct Keepalive {
    /// Time between pings; none: none are sent on their own.
    pub interval: Option<Duration>,
    /// Time for the answer; after it the connection is closed.
    pub timeout: Duration,
    /// Up to this share of the interval is added by chance (0.15).
    pub jitter: f64,
    /// A connection that was idle for this long is pinged when a request uses it.
    pub idle: Option<Duration>,
}

/// Limits of time around one connection or request; none is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// A connection without requests (Envoy's default: 1 h).
    pub idle: Option<Duration>,
    /// A stream on which nothing moves (Envoy's default: 5 min).
    pub stream_idle: Option<Duration>,
    /// From the first byte of a request to its last.
    pub request: Option<Duration>,
    /// From the first byte of a request's head to its last.
    pub request_headers: Option<Duration>,
    /// A whole exchange.
    pub max_stream: Option<Duration>,
    /// A whole connection.
    pub max_connection: Option<Duration>,
    /// Time between the first GOAWAY and the last (Envoy's default: 5 s).
    pub drain: Duration,
    /// Time a connection stays open after the last byte for the client to read it (Envoy's default: 1 s).
    pub delayed_close: Duration,
}

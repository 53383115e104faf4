//! What the codecs need to know of `HttpConnectionManager`.

use std::time::Duration;

use crate::proto::Reader;

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

/// Options of HTTP/1, on either side (`envoy.config.core.v3.Http1ProtocolOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http1Options {
    /// Accept requests whose target is an absolute URL (Envoy's default: yes).
    pub absolute_url: bool,
    /// Accept HTTP/1.0 (Envoy's default: no, answered with 426).
    pub http10: bool,
    /// `Host` used for HTTP/1.0 requests that have none.
    pub default_host: String,
    /// Accept and send trailers (Envoy's default: no, they are dropped).
    pub trailers: bool,
    /// Take a message with both `Transfer-Encoding: chunked` and `Content-Length` by dropping the length.
    pub allow_chunked_length: bool,
    /// Write `Proper-Case` header names.
    pub proper_case: bool,
    /// Write the target of requests as an absolute URL (upstream only).
    pub absolute_target: bool,
}

impl Default for Http1Options {
    fn default() -> Self {
        Self {
            absolute_url: true,
            http10: false,
            default_host: String::new(),
            trailers: false,
            allow_chunked_length: false,
            proper_case: false,
            absolute_target: false,
        }
    }
}

impl Http1Options {
    /// Reads `Http1ProtocolOptions`.
    pub fn read(reader: &Reader<'_>) -> Self {
        // The parser is ours. Whether only the stream or the connection ends on invalid messages does not differ in
        // HTTP/1: the connection cannot be used any more.
        reader.ignore(&["use_balsa_parser", "override_stream_error_on_invalid_http_message"]);
        let mut options = Self {
            absolute_url: reader.opt_flag("allow_absolute_url").unwrap_or(true),
            http10: reader.flag("accept_http_10"),
            default_host: reader.text("default_host_for_http_10"),
            trailers: reader.flag("enable_trailers"),
            allow_chunked_length: reader.flag("allow_chunked_length"),
            proper_case: false,
            absolute_target: reader.flag("send_fully_qualified_url"),
        };
        if let Some(format) = reader.message("header_key_format") {
            options.proper_case = format.message("proper_case_words").is_some();
        }
        options
    }
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

/// What happens to header names with underscores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Underscores {
    /// They are taken.
    #[default]
    Allow,
    /// The request is refused with 400.
    Reject,
    /// The field is dropped.
    Drop,
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

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            idle: Some(Duration::from_secs(3600)),
            stream_idle: Some(Duration::from_secs(300)),
            request: None,
            request_headers: None,
            max_stream: None,
            max_connection: None,
            drain: Duration::from_secs(5),
            delayed_close: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// Reads the timeouts of `HttpConnectionManager` and its common protocol options. Zero means no limit.
    pub(super) fn read(reader: &Reader<'_>, common: Option<&Reader<'_>>) -> Self {
        let default = Self::default();
        let limit = |value: Option<Duration>, default: Option<Duration>| match value {
            Some(Duration::ZERO) => None,
            Some(value) => Some(value),
            None => default,
        };
        let common = |name: &str| common.and_then(|common| common.duration(name));
        Self {
            idle: limit(common("idle_timeout"), default.idle),
            stream_idle: limit(reader.duration("stream_idle_timeout"), default.stream_idle),
            request: limit(reader.duration("request_timeout"), None),
            request_headers: limit(reader.duration("request_headers_timeout"), None),
            max_stream: limit(common("max_stream_duration"), None),
            max_connection: limit(common("max_connection_duration"), None),
            drain: reader.duration("drain_timeout").unwrap_or(default.drain),
            delayed_close: reader.duration("delayed_close_timeout").unwrap_or(default.delayed_close),
        }
    }
}

impl Underscores {
    /// Reads `headers_with_underscores_action` of `HttpProtocolOptions`.
    pub(super) fn read(common: &Reader<'_>) -> Self {
        match common.word("headers_with_underscores_action").as_str() {
            "REJECT_REQUEST" => Self::Reject,
            "DROP_HEADER" => Self::Drop,
            _ => Self::Allow,
        }
    }
}

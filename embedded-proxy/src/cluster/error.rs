//! Why an upstream request failed, with what the retry decision and the access log need to know.

use crate::http::StreamError;
use crate::stream::Flag;

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamErrorKind {
    /// The connection was refused, unreachable, or its TLS handshake failed.
    ConnectFailure,
    /// Connecting took longer than the cluster's connect timeout.
    ConnectTimeout,
    /// The connection ended before or within the response.
    Disconnected,
    /// The peer reset the stream.
    Reset,
    /// The peer refused the stream and did nothing with it (REFUSED_STREAM, GOAWAY).
    Refused,
    /// A circuit breaker is open.
    Overflow,
    /// The peer's bytes are not valid HTTP.
    Protocol,
    /// The response's head is larger than allowed.
    TooLarge,
    /// The request's own body failed: the client's fault, not the upstream's.
    Request(StreamError),
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct UpstreamError {
    /// What failed.
    pub kind: UpstreamErrorKind,
    /// For people, in Envoy's spelling where it has one (`connection refused`, `TLS_error:...`).
    pub detail: String,
    /// Whether some of the request was sent on a connection that worked. A `false` makes a retry always safe.
    pub sent: bool,
}

impl UpstreamError {
    /// A failure before anything was sent.
    pub fn unsent(kind: UpstreamErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), sent: false }
    }

    /// A failure after something was sent.
    pub fn sent(kind: UpstreamErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), sent: true }
    }

    /// The response flag of this failure.
    pub fn flag(&self) -> Flag {
        match self.kind {
            UpstreamErrorKind::ConnectFailure | UpstreamErrorKind::ConnectTimeout => Flag::UpstreamConnectionFailure,
            UpstreamErrorKind::Disconnected => Flag::UpstreamConnectionTermination,
            UpstreamErrorKind::Reset | UpstreamErrorKind::Refused => Flag::UpstreamRemoteReset,
            UpstreamErrorKind::Overflow => Flag::UpstreamOverflow,
            UpstreamErrorKind::Protocol | UpstreamErrorKind::TooLarge => Flag::UpstreamProtocolError,
            UpstreamErrorKind::Request(error) => match error {
                StreamError::Disconnected => Flag::DownstreamConnectionTermination,
                StreamError::Reset(_) => Flag::DownstreamRemoteReset,
                StreamError::IdleTimeout => Flag::StreamIdleTimeout,
                StreamError::Timeout | StreamError::Duration => Flag::DurationTimeout,
                StreamError::Protocol(_) | StreamError::TooLarge => Flag::DownstreamProtocolError,
            },
        }
    }
}

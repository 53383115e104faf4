//! Outlier detection: hosts that fail in live traffic are kept away for a while.

mod config;
mod detector;
mod monitor;
mod stats;

use super::{UpstreamError, UpstreamErrorKind};

pub use config::OutlierConfig;
pub use detector::Detector;
pub use monitor::{Monitor, Origin};

/// What happened to an attempt at a host. Whoever sends requests or opens connections reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A response came, with this status; for gRPC the HTTP status that its status maps to.
    Response(u16),
    /// A connection is there, or a stream on one; the outcome of the request follows.
    Connected,
    /// A connection is there, and no outcome follows (TCP).
    ConnectedFinally,
    /// No connection, or the stream was reset before an answer.
    Failed,
    /// No answer in time. The status is the one the client gets for it.
    Timeout(Option<u16>),
    /// An exchange that is not HTTP succeeded.
    Succeeded,
    /// An exchange that is not HTTP failed at the peer.
    Refused,
}

impl Outcome {
    /// The outcome of a failed attempt; none when the host has no part in it.
    pub fn of(error: &UpstreamError) -> Option<Self> {
        match error.kind {
            UpstreamErrorKind::Overflow | UpstreamErrorKind::Request(_) => None,
            UpstreamErrorKind::ConnectTimeout => Some(Self::Timeout(None)),
            _ => Some(Self::Failed),
        }
    }

    /// Whether the host did not do its work.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Response(code) => code >= 500,
            Self::Failed | Self::Timeout(_) | Self::Refused => true,
            Self::Connected | Self::ConnectedFinally | Self::Succeeded => false,
        }
    }

    /// The status that stands for it where local failures are not told apart; none says nothing.
    fn status(self) -> Option<u16> {
        match self {
            Self::Response(code) | Self::Timeout(Some(code)) => Some(code),
            Self::Connected => None,
            Self::ConnectedFinally | Self::Succeeded => Some(200),
            Self::Failed => Some(503),
            Self::Timeout(None) => Some(504),
            Self::Refused => Some(500),
        }
    }
}

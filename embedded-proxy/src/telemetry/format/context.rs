//! What a format string is rendered from.

use crate::http::{Headers, RequestHead, ResponseHead};
use crate::stream::{Connection, Exchange, StreamInfo};

/// At which moment an entry is logged, as `%ACCESS_LOG_TYPE%` names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogType {
    /// Not a log entry: header edits, local replies.
    #[default]
    NotSet,
    /// A TCP connection reached its upstream.
    TcpUpstreamConnected,
    /// A TCP connection goes on.
    TcpPeriodic,
    /// A TCP connection ended.
    TcpConnectionEnd,
    /// An HTTP request has begun.
    DownstreamStart,
    /// An HTTP request goes on.
    DownstreamPeriodic,
    /// An HTTP request ended.
    DownstreamEnd,
    /// The upstream connection of a request is there.
    UpstreamPoolReady,
    /// An upstream request goes on.
    UpstreamPeriodic,
    /// An upstream request ended.
    UpstreamEnd,
    /// A tunnel was accepted.
    DownstreamTunnelSuccessfullyEstablished,
}

impl LogType {
    /// All of them, by the number that the protobuf enum gives them.
    pub const ALL: [Self; 11] = [
        Self::NotSet,
        Self::TcpUpstreamConnected,
        Self::TcpPeriodic,
        Self::TcpConnectionEnd,
        Self::DownstreamStart,
        Self::DownstreamPeriodic,
        Self::DownstreamEnd,
        Self::UpstreamPoolReady,
        Self::UpstreamPeriodic,
        Self::UpstreamEnd,
        Self::DownstreamTunnelSuccessfullyEstablished,
    ];

    /// Name of the protobuf enum's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSet => "NotSet",
            Self::TcpUpstreamConnected => "TcpUpstreamConnected",
            Self::TcpPeriodic => "TcpPeriodic",
            Self::TcpConnectionEnd => "TcpConnectionEnd",
            Self::DownstreamStart => "DownstreamStart",
            Self::DownstreamPeriodic => "DownstreamPeriodic",
            Self::DownstreamEnd => "DownstreamEnd",
            Self::UpstreamPoolReady => "UpstreamPoolReady",
            Self::UpstreamPeriodic => "UpstreamPeriodic",
            Self::UpstreamEnd => "UpstreamEnd",
            Self::DownstreamTunnelSuccessfullyEstablished => "DownstreamTunnelSuccessfullyEstablished",
        }
    }
}

/// The facts about one exchange or one TCP connection.
#[derive(Debug, Clone, Copy)]
pub struct FormatContext<'c> {
    /// Request head; none for TCP.
    pub request: Option<&'c RequestHead>,
    /// Response head, when there is one.
    pub response: Option<&'c ResponseHead>,
    /// Response trailers, when there are any.
    pub trailers: Option<&'c Headers>,
    /// Downstream connection.
    pub connection: &'c Connection,
    /// Record of what happened.
    pub info: &'c StreamInfo,
    /// Body of a local reply that is being formatted.
    pub local_reply_body: &'c str,
    /// What kind of entry this is.
    pub log_type: LogType,
}

impl<'c> FormatContext<'c> {
    /// Facts of a TCP connection.
    pub fn new(connection: &'c Connection, info: &'c StreamInfo) -> Self {
        Self {
            request: None,
            response: info.response.as_ref(),
            trailers: info.trailers.as_ref(),
            connection,
            info,
            local_reply_body: "",
            log_type: LogType::NotSet,
        }
    }

    /// Facts of an exchange. The response is what its record keeps; set `response` where the record has none yet.
    pub fn of(exchange: &'c Exchange) -> Self {
        Self { request: Some(&exchange.request.head), ..Self::new(&exchange.connection, &exchange.info) }
    }

    /// The same with a kind of log entry.
    pub fn log_type(mut self, log_type: LogType) -> Self {
        self.log_type = log_type;
        self
    }
}

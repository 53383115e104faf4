//! Bodies: nothing, bytes at hand, or a stream of frames that ends with trailers.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::Headers;
use crate::stream::Flag;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes, never empty.
    Data(Bytes),
    /// Trailers; nothing follows.
    Trailers(Headers),
}

/// Why a body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The peer closed the connection in the middle.
    #[error("the connection was closed in the middle of a message")]
    Disconnected,
    /// The peer reset the stream (HTTP/2), with its error code.
    #[error("the stream was reset with code {0}")]
    Reset(u32),
    /// The bytes are not valid HTTP.
    #[error("{0}")]
    Protocol(&'static str),
    /// The body is larger than allowed.
    #[error("the body is larger than the limit")]
    TooLarge,
    /// Nothing moved for the idle timeout.
    #[error("nothing moved for the idle timeout")]
    IdleTimeout,
    /// The request, or the response, took too long.
    #[error("the exchange took longer than its timeout")]
    Timeout,
    /// The stream lasted longer than any may (`max_stream_duration`).
    #[error("the exchange took longer than any may")]
    Duration,
}

impl StreamError {
    /// The flag of an exchange whose response broke off so, if it has one.
    pub fn response_flag(self) -> Option<Flag> {
        Some(match self {
            Self::Disconnected => Flag::UpstreamConnectionTermination,
            Self::Reset(_) => Flag::UpstreamRemoteReset,
            Self::Protocol(_) | Self::TooLarge => Flag::UpstreamProtocolError,
            Self::IdleTimeout => Flag::StreamIdleTimeout,
            Self::Timeout => Flag::UpstreamRequestTimeout,
            Self::Duration => return None,
        })
    }
}

/// A body that arrives piece by piece. Dropping it before the end abandons the message: the sender is told
/// (RST_STREAM, closed connection).
pub trait BodyStream: Send + Sync {
    /// The next frame, none at the end. Not called again after none, trailers or an error.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>>;

    /// Bytes still to come, when known.
    fn size(&self) -> Option<u64> {
        None
    }
}

/// The body of a request or a response.
#[derive(Default)]
pub enum Body {
    /// None at all.
    #[default]
    Empty,
    /// All of it, at hand.
    Full(Bytes),
    /// A stream.
    Stream(Pin<Box<dyn BodyStream>>),
}

impl Body {
    /// A streamed body.
    pub fn stream(stream: impl BodyStream + 'static) -> Self {
        Self::Stream(Box::pin(stream))
    }

    /// Whether nothing will come.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(_) => false,
        }
    }

    /// Bytes still to come, when known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.size(),
        }
    }

    /// The next frame, none at the end.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(Frame::Data(bytes))))
            }
            Self::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    /// The next frame, none at the end.
    pub async fn frame(&mut self) -> Option<Result<Frame, StreamError>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// Reads up to `limit` bytes. True as second value: that was all, trailers included (they are dropped).
    /// False: there is more than `limit`; what was read is returned and the rest stays in the body.
    pub async fn collect(&mut self, limit: usize) -> Result<(Bytes, bool), StreamError> {
        let mut collected = bytes::BytesMut::new();
        while let Some(frame) = self.frame().await {
            match frame? {
                Frame::Data(data) if collected.is_empty() && data.len() <= limit && self.is_empty() => {
                    return Ok((data, true));
                }
                Frame::Data(data) => collected.extend_from_slice(&data),
                Frame::Trailers(_) => break,
            }
            if collected.len() > limit {
                return Ok((collected.freeze(), false));
            }
        }
        Ok((collected.freeze(), true))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(stream) => write!(f, "Stream({:?} bytes)", stream.size()),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(bytes) }
    }
}

//! Bodies over HTTP/2: frames that come in, and a body that is sent as far as the peer's windows allow.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use parking_lot::Mutex;

use crate::http::{Body, BodyStream, Frame, Headers, StreamError};

/// What the peer sends on a stream. Its window opens again when the next frame is asked for: what was read by then is
/// on its way, so no more than a window is ever held.
pub(super) struct Incoming {
    stream: RecvStream,
    inflow: Option<Arc<Inflow>>,
    /// Bytes handed out last and not yet given back to the window.
    held: usize,
    data_ended: bool,
}

/// What the codec wants to know of a request's body, and how it breaks it off.
#[derive(Debug, Default)]
pub(super) struct Inflow {
    /// Bytes handed out.
    received: AtomicU64,
    ended: AtomicBool,
    failed: Mutex<Option<StreamError>>,
}

impl Inflow {
    /// Bytes handed out so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Whether all of it was handed out.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Lets the body fail when it is asked for more.
    pub(super) fn fail(&self, error: StreamError) {
        *self.failed.lock() = Some(error);
    }
}

impl Incoming {
    /// The body of a message whose head arrived.
    pub(super) fn body(stream: RecvStream) -> Body {
        if stream.is_end_stream() {
            return Body::Empty;
        }
        Body::stream(Self { stream, inflow: None, held: 0, data_ended: false })
    }

    /// The same with something to watch it by; none when there is no body.
    pub(super) fn watched(stream: RecvStream) -> Option<(Body, Arc<Inflow>)> {
        if stream.is_end_stream() {
            return None;
        }
        let inflow = Arc::new(Inflow::default());
        let body = Body::stream(Self { stream, inflow: Some(inflow.clone()), held: 0, data_ended: false });
        Some((body, inflow))
    }
}

impl BodyStream for Incoming {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let this = self.get_mut();
        if this.held > 0 {
            // Fails only for more than was received.
            let _ = this.stream.flow_control().release_capacity(std::mem::take(&mut this.held));
        }
        if let Some(error) = this.inflow.as_ref().and_then(|inflow| *inflow.failed.lock()) {
            return Poll::Ready(Some(Err(error)));
        }
        while !this.data_ended {
            match ready!(this.stream.poll_data(cx)) {
                Some(Ok(data)) if data.is_empty() => {}
                Some(Ok(data)) => {
                    this.held = data.len();
                    if let Some(inflow) = &this.inflow {
                        inflow.received.fetch_add(data.len() as u64, Ordering::Relaxed);
                        inflow.ended.store(this.stream.is_end_stream(), Ordering::Relaxed);
                    }
                    return Poll::Ready(Some(Ok(Frame::Data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(stream_error(&error)))),
                None => this.data_ended = true,
            }
        }
        let trailers = ready!(this.stream.poll_trailers(cx));
        if let Some(inflow) = &this.inflow {
            inflow.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(match trailers {
            Ok(Some(trailers)) => Some(Ok(Frame::Trailers(Headers::from(trailers)))),
            Ok(None) => None,
            Err(error) => Some(Err(stream_error(&error))),
        })
    }

    fn size(&self) -> Option<u64> {
        self.stream.is_end_stream().then_some(0)
    }
}

/// Why a body was not sent to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendFailure {
    /// The receiver does not want it: it reset the stream or closed the connection.
    Receiver(StreamError),
    /// The body itself broke off.
    Source(StreamError),
}

/// A body on its way out.
pub(super) struct Outgoing {
    body: Body,
    rest: Bytes,
    /// The body gave its last byte.
    ended: bool,
    /// Bytes sent.
    pub(super) sent: u64,
}

impl Outgoing {
    /// Sends `body` from its beginning.
    pub(super) fn new(body: Body) -> Self {
        Self { body, rest: Bytes::new(), ended: false, sent: 0 }
    }

    /// Goes on sending; ready when the stream is ended or broken. A broken source does not reset the stream: the caller
    /// knows with which code.
    pub(super) fn poll(
        &mut self,
        stream: &mut SendStream<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendFailure>> {
        loop {
            if !self.rest.is_empty() {
                let ended = ready!(self.poll_rest(stream, cx))?;
                if ended {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match self.body.poll_frame(cx) {
                Poll::Pending => return poll_unwanted(stream, cx),
                Poll::Ready(Some(Ok(Frame::Data(data)))) => {
                    self.rest = data;
                    self.ended = self.body.size() == Some(0);
                }
                Poll::Ready(Some(Ok(Frame::Trailers(trailers)))) => {
                    return Poll::Ready(stream.send_trailers(trailers.into_map()).map_err(|error| receiver(&error)));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(SendFailure::Source(error))),
                Poll::Ready(None) => {
                    return Poll::Ready(stream.send_data(Bytes::new(), true).map_err(|error| receiver(&error)));
                }
            }
        }
    }

    /// Sends what the window takes of the bytes at hand. True: that ended the stream.
    fn poll_rest(&mut self, stream: &mut SendStream<Bytes>, cx: &mut Context<'_>) -> Poll<Result<bool, SendFailure>> {
        stream.reserve_capacity(self.rest.len());
        let mut room = stream.capacity();
        while room == 0 {
            room = match ready!(stream.poll_capacity(cx)) {
                Some(Ok(room)) => room,
                Some(Err(error)) => return Poll::Ready(Err(receiver(&error))),
                None => return Poll::Ready(Err(SendFailure::Receiver(StreamError::Disconnected))),
            };
        }
        let piece = self.rest.split_to(room.min(self.rest.len()));
        let size = piece.len() as u64;
        let last = self.ended && self.rest.is_empty();
        stream.send_data(piece, last).map_err(|error| receiver(&error))?;
        self.sent += size;
        Poll::Ready(Ok(last))
    }
}

/// Nothing to send now: has the receiver given up meanwhile?
fn poll_unwanted(stream: &mut SendStream<Bytes>, cx: &mut Context<'_>) -> Poll<Result<(), SendFailure>> {
    match ready!(stream.poll_reset(cx)) {
        Ok(reason) => Poll::Ready(Err(SendFailure::Receiver(StreamError::Reset(reason.into())))),
        Err(error) => Poll::Ready(Err(receiver(&error))),
    }
}

fn receiver(error: &h2::Error) -> SendFailure {
    SendFailure::Receiver(stream_error(error))
}

/// What an error of the `h2` crate means for a message.
pub(super) fn stream_error(error: &h2::Error) -> StreamError {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => StreamError::Reset(reason.into()),
        Some(Reason::REFUSED_STREAM) => StreamError::Reset(Reason::REFUSED_STREAM.into()),
        Some(_) if error.is_library() => StreamError::Protocol("the peer broke the rules of HTTP/2"),
        _ => StreamError::Disconnected,
    }
}

//! A downstream connection's transport, shared by the task that serves it and the body of the request in hand.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::AsyncWrite as _;
use tokio::time::Instant;

use super::decode::{Decoder, Framing};
use super::fields::Limits;
use super::input::Input;
use super::out::Out;
use super::upload::Sink;
use crate::http::{Body, BodyStream, Frame, StreamError};
use crate::net::Io;

/// The transport. It is locked for the time of one poll only.
pub(super) type Wire = Arc<Mutex<Transport>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Transport {
    pub io: Io,
    pub input: Input,
    /// The body of the request in hand.
    pub incoming: Incoming,
}

/// How far the body of the request in hand is.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Which request it belongs to: a body that outlives its request gets nothing.
    number: u64,
    decoder: Decoder,
    failed: Option<StreamError>,
    /// Bytes of the body received.
    pub bytes: u64,
    /// When its end was seen.
    pub ended: Option<Instant>,
    /// When something was received last.
    moved: Option<Instant>,
    /// The task that waits for the body.
    reader: Option<Waker>,
    /// Whoever reads the body waits for more bytes: the end of the connection is found on the way.
    hungry: bool,
    /// The task that serves the connection, when another one may read the body.
    server: Option<Waker>,
}

impl Transport {
    pub fn new(io: Io) -> Self {
        let limits = Limits { bytes: 0, fields: 0, trailers: false };
        let incoming = Incoming {
            number: 0,
            decoder: Decoder::new(Framing::Empty, limits),
            failed: None,
            bytes: 0,
            ended: None,
            moved: None,
            reader: None,
            hungry: false,
            server: None,
        };
        Self { io, input: Input::default(), incoming }
    }

    /// Begins a body, as `Wire` owns it.
    pub fn begin(wire: &Wire, framing: Framing, limits: Limits) -> Body {
        let incoming = &mut wire.lock().incoming;
        incoming.decoder = Decoder::new(framing, limits);
        incoming.bytes = 0;
        if framing == Framing::Empty {
            return Body::Empty;
        }
        incoming.number += 1;
        incoming.failed = None;
        incoming.ended = None;
        incoming.moved = None;
        incoming.hungry = false;
        Body::stream(RequestBody { wire: wire.clone(), number: incoming.number })
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let Self { io, input, incoming } = self;
        incoming.feed(cx);
        loop {
            match incoming.failed {
                // Nobody answers a client that has gone: the server drops the exchange.
                Some(StreamError::Disconnected) if !incoming.decoder.is_raw() => return Poll::Pending,
                Some(error) => return Poll::Ready(Some(Err(error))),
                None => {}
            }
            match incoming.decoder.next(&mut input.bytes) {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(incoming.see(frame)))),
                Ok(None) if incoming.decoder.is_done() => return Poll::Ready(incoming.end()),
                Ok(None) => {}
                Err(error) => {
                    incoming.fail(error);
                    continue;
                }
            }
            match input.poll_fill(io, cx) {
                Poll::Pending => {
                    incoming.wait(cx);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => match incoming.decoder.end() {
                    Ok(()) => return Poll::Ready(incoming.end()),
                    Err(error) => incoming.fail(error),
                },
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => incoming.fail(StreamError::Disconnected),
            }
        }
    }

    /// For the server while it waits for a response: ready when the client has gone. A body that nobody reads just now
    /// stays where it is. Pipelined requests stay in the buffer, and with one there nothing more is read.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.incoming.is_done() {
            if !self.incoming.server.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                self.incoming.server = Some(cx.waker().clone());
            }
            return match self.incoming.failed {
                Some(StreamError::Disconnected) => Poll::Ready(()),
                _ if self.incoming.hungry => Poll::Pending,
                _ => self.io.poll_closed(cx),
            };
        }
        if !self.input.bytes.is_empty() {
            return Poll::Pending;
        }
        match self.input.poll_fill(&mut self.io, cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// Reads and forgets; ready when the client has ended its side.
    pub fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.input.bytes.clear();
            match ready!(self.input.poll_fill(&mut self.io, cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    }
}

impl Incoming {
    /// Whether all of the body was read.
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// Ends a body that takes too long: its reader gets the error.
    pub fn fail(&mut self, error: StreamError) {
        if self.failed.is_none() && !self.is_done() {
            self.failed = Some(error);
            self.ended = Some(Instant::now());
            for waker in [self.reader.take(), self.server.take()].into_iter().flatten() {
                waker.wake();
            }
        }
    }

    /// Whether the body ended with an error.
    pub fn is_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// When a body that does not move for `idle` is given up; `begun` counts before anything moved.
    pub fn stalls(&self, begun: Instant, idle: Option<Duration>) -> Option<Instant> {
        idle.filter(|_| !self.is_done()).map(|idle| self.moved.unwrap_or(begun) + idle)
    }

    fn see(&mut self, frame: Frame) -> Frame {
        let now = Instant::now();
        self.moved = Some(now);
        if let Frame::Data(data) = &frame {
            self.bytes += data.len() as u64;
        }
        if self.is_done() {
            self.end();
        }
        frame
    }

    fn end(&mut self) -> Option<Result<Frame, StreamError>> {
        self.ended.get_or_insert_with(Instant::now);
        if let Some(server) = self.server.take() {
            server.wake();
        }
        None
    }

    /// The reader is back. A server in another task looks after the client itself from now on.
    fn feed(&mut self, cx: &Context<'_>) {
        if std::mem::replace(&mut self.hungry, false)
            && let Some(server) = self.server.take_if(|server| !server.will_wake(cx.waker()))
        {
            server.wake();
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>) {
        self.hungry = true;
        if !self.reader.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.reader = Some(cx.waker().clone());
        }
    }
}

impl Sink for &Wire {
    fn poll_write(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        out.poll_write(&mut self.lock().io, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_shutdown(cx)
    }
}

/// The body of a request, as filters and the router see it.
struct RequestBody {
    wire: Wire,
    number: u64,
}

impl BodyStream for RequestBody {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let mut transport = self.wire.lock();
        if transport.incoming.number != self.number {
            return Poll::Ready(Some(Err(StreamError::Disconnected)));
        }
        transport.poll_body(cx)
    }

    fn size(&self) -> Option<u64> {
        let transport = self.wire.lock();
        if transport.incoming.number == self.number { transport.incoming.decoder.size() } else { None }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let incoming = &mut self.wire.lock().incoming;
        if incoming.number == self.number {
            incoming.hungry = false;
        }
    }
}

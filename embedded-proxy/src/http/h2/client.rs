//! An upstream connection that speaks HTTP/2, and one request on it.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::client::{Builder, Connection as H2, ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::cluster::{UpstreamError, UpstreamErrorKind};
use crate::hcm::Http2Options;
use crate::http::{Body, BodyStream, Frame, Request, Response, StreamError};
use crate::net::Io;

use super::body::{Incoming, Outgoing, SendFailure, stream_error};
use super::head;
use super::pings::Pings;

/// Bytes of requests that wait for the socket, for each stream.
const SEND_BUFFER: usize = 64 << 10;
/// What h2 believes of the peer's limit before its SETTINGS: a number that no peer sends, so that their arrival shows.
/// The limit until then is the configured one, which whoever opens streams counts by itself.
const UNSETTLED: usize = 0x7fff_fff1;

/// The sending side of a connection. Opens streams; when it is dropped, the connection ends after its streams.
#[derive(Debug)]
pub struct Client {
    send: SendRequest<Bytes>,
    limit: usize,
    /// Streams to open at most before the peer's SETTINGS.
    assumed: usize,
    max_fields: usize,
    settled: Arc<Settled>,
}

#[derive(Debug, Default)]
struct Settled {
    yes: AtomicBool,
    told: Notify,
}

/// The connection itself: whoever polls it moves its bytes. Ends when the connection is closed.
pub struct Driver {
    h2: H2<Io, Bytes>,
    pings: Option<Pings>,
    settled: Arc<Settled>,
    news: bool,
}

/// Limits of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Largest head, bytes.
    pub bytes: usize,
    /// Most fields.
    pub fields: usize,
}

/// Begins HTTP/2 on a fresh connection. No more than `assumed` streams are opened before the peer has said its limit.
pub async fn connect(
    io: Io,
    options: &Http2Options,
    limits: HeadLimits,
    assumed: usize,
) -> Result<(Client, Driver), h2::Error> {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(options.stream_window)
        .initial_connection_window_size(options.connection_window)
        .header_table_size(options.header_table)
        .max_header_list_size(u32::try_from(limits.bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER)
        .initial_max_send_streams(UNSETTLED);
    let (send, mut h2) = builder.handshake(io).await?;
    let now = Instant::now();
    let pings = options.keepalive.clone().and_then(|keepalive| Pings::new(h2.ping_pong()?, keepalive, now));
    let settled = Arc::new(Settled::default());
    let limit = options.max_concurrent_streams as usize;
    let client = Client { send, limit, assumed, max_fields: limits.fields, settled: settled.clone() };
    Ok((client, Driver { h2, pings, settled, news: false }))
}

impl Driver {
    /// Moves bytes; ready when the connection is closed: without error in an orderly way.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        let closed = Pin::new(&mut self.h2).poll(cx);
        if !self.settled.yes.load(Ordering::Relaxed)
            && (closed.is_ready() || self.h2.max_concurrent_send_streams() != UNSETTLED)
        {
            self.settled.yes.store(true, Ordering::Relaxed);
            self.settled.told.notify_waiters();
            self.news = true;
        }
        closed
    }

    /// Sends a ping beside those that are due by themselves.
    pub fn ping(&mut self) {
        if let Some(pings) = &mut self.pings {
            pings.send(Instant::now());
        }
    }

    /// Whether the peer's SETTINGS came since this was asked last.
    pub fn settled_now(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Sends keep-alive pings that are due and takes answers; an error is a peer that does not answer. Returns when to
    /// look again.
    pub fn poll_pings(&mut self, cx: &mut Context<'_>) -> Result<Option<Instant>, Dead> {
        match &mut self.pings {
            Some(pings) => pings.poll(cx).map_err(|_| Dead).map(|()| pings.deadline()),
            None => Ok(None),
        }
    }
}

/// The peer did not answer a keep-alive ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dead;

impl Client {
    /// Streams that may be open at the same time now: the peer's limit and the configured one. None: the connection
    /// takes no more (GOAWAY, or it is closed).
    pub fn limit(&mut self) -> Option<usize> {
        // The answer is there at once; nobody has to be woken for it.
        match self.send.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) if self.is_settled() => Some(self.limit.min(self.send.current_max_send_streams())),
            Poll::Ready(Ok(())) => Some(self.limit.min(self.assumed)),
            Poll::Ready(Err(_)) => None,
            Poll::Pending => Some(0),
        }
    }

    /// Whether the peer's SETTINGS came.
    pub fn is_settled(&self) -> bool {
        self.settled.yes.load(Ordering::Relaxed)
    }

    /// Waits for the peer's SETTINGS: they say whether it takes extended CONNECT.
    pub fn settled(&self) -> impl Future<Output = ()> + Send + use<> {
        let settled = self.settled.clone();
        async move {
            let told = settled.told.notified();
            if !settled.yes.load(Ordering::Relaxed) {
                told.await;
            }
        }
    }

    /// Opens a stream. Call it only below [`Client::limit`].
    pub fn begin(&mut self, request: Request) -> Result<Call, UpstreamError> {
        let Request { head, body } = request;
        let upgrade = head.upgrade.is_some();
        if upgrade && !self.send.is_extended_connect_protocol_enabled() {
            let detail = "the peer does not take extended CONNECT";
            return Err(UpstreamError::unsent(UpstreamErrorKind::Protocol, detail));
        }
        let connect = head.method == http::Method::CONNECT;
        let Some(head) = head::request_out(head) else {
            let detail = "the request cannot be said in HTTP/2";
            return Err(UpstreamError::unsent(UpstreamErrorKind::Protocol, detail));
        };
        let ends = body.is_empty() && !upgrade && !connect;
        let (answer, stream) = self.send.send_request(head, ends).map_err(|error| failure(&error))?;
        let upload = (!ends).then(|| Upload { stream, outgoing: Outgoing::new(body) });
        Ok(Call { answer, upload, upgrade, max_fields: self.max_fields })
    }
}

/// A request on its way. Dropping it resets the stream.
pub struct Call {
    answer: ResponseFuture,
    upload: Option<Upload>,
    upgrade: bool,
    max_fields: usize,
}

struct Upload {
    stream: SendStream<Bytes>,
    outgoing: Outgoing,
}

impl Upload {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendFailure>> {
        let sent = ready!(self.outgoing.poll(&mut self.stream, cx));
        if let Err(SendFailure::Source(_)) = sent {
            self.stream.send_reset(Reason::CANCEL);
        }
        Poll::Ready(sent)
    }
}

impl Call {
    /// Sends the body and waits for the head of the response. `token` lives as long as the stream.
    pub async fn response<T>(mut self, token: Arc<T>) -> Result<Response, UpstreamError>
    where
        T: Send + Sync + 'static,
    {
        let answer = poll_fn(|cx| {
            if let Some(upload) = &mut self.upload {
                match upload.poll(cx) {
                    Poll::Ready(Err(SendFailure::Source(error))) => {
                        let kind = UpstreamErrorKind::Request(error);
                        return Poll::Ready(Err(UpstreamError::sent(kind, error.to_string())));
                    }
                    // A receiver that does not want the rest may have answered already.
                    Poll::Ready(Ok(()) | Err(SendFailure::Receiver(_))) => self.upload = None,
                    Poll::Pending => {}
                }
            }
            Pin::new(&mut self.answer).poll(cx).map_err(|error| failure(&error))
        });
        let (parts, stream) = answer.await?.into_parts();
        if parts.headers.len() > self.max_fields {
            return Err(UpstreamError::sent(UpstreamErrorKind::Protocol, "the response has too many fields"));
        }
        let head = head::response_in(parts, self.upgrade);
        let download = match Incoming::body(stream) {
            Body::Stream(stream) => stream,
            body if self.upload.is_none() => return Ok(Response { head, body }),
            _ => return Ok(Response { head, body: Body::Empty }),
        };
        // Both directions go on: the rest of the request must move while nobody asks for the response.
        let rest = self.upload.take().map(|mut upload| {
            let token = token.clone();
            Rest(tokio::spawn(async move {
                let _ = poll_fn(|cx| upload.poll(cx)).await;
                drop(token);
            }))
        });
        Ok(Response { head, body: Body::stream(Download { body: download, _rest: rest, _token: token }) })
    }
}

/// The rest of a request that is still being sent; dropped with the response.
struct Rest(tokio::task::JoinHandle<()>);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of a response, with what has to live as long as it.
struct Download<T> {
    body: Pin<Box<dyn BodyStream>>,
    _rest: Option<Rest>,
    _token: Arc<T>,
}

impl<T: Send + Sync> BodyStream for Download<T> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        self.get_mut().body.as_mut().poll_frame(cx)
    }

    fn size(&self) -> Option<u64> {
        self.body.size()
    }
}

/// What an error before the head of the response means for the request.
fn failure(error: &h2::Error) -> UpstreamError {
    let refused = error.reason() == Some(Reason::REFUSED_STREAM) || error.is_go_away();
    if error.is_remote() && refused {
        // GOAWAY fails only streams that the peer has not looked at.
        return UpstreamError::unsent(UpstreamErrorKind::Refused, error.to_string());
    }
    match stream_error(error) {
        StreamError::Reset(_) => UpstreamError::sent(UpstreamErrorKind::Reset, error.to_string()),
        StreamError::Protocol(_) => UpstreamError::sent(UpstreamErrorKind::Protocol, error.to_string()),
        _ => UpstreamError::sent(UpstreamErrorKind::Disconnected, error.to_string()),
    }
}

//! One upstream HTTP/1 connection: it belongs to the exchange that uses it, and goes home when it may be used again.

use std::any::Any;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::decode::{Decoder, Framing};
use super::download::Download;
use super::encode;
use super::fields::{Limits, Refusal, Span};
use super::input::Input;
use super::out::Out;
use super::response_head::{self, Asked, Parsed};
use super::upload::{Upload, UploadError};
use crate::cluster::{UpstreamError, UpstreamErrorKind};
use crate::http::{Body, Request, RequestHead, Response, ResponseHead, StreamError};
use crate::net::Io;

/// Options of HTTP/1 on the upstream side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientOptions {
    /// Largest response head, bytes (Envoy's default: 60 KiB).
    pub max_head: usize,
    /// Most response header fields (Envoy's default: 100).
    pub max_fields: usize,
    /// Pass trailers on, both ways (Envoy's default: no, they are dropped).
    pub trailers: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { max_head: 60 * 1024, max_fields: 100, trailers: false }
    }
}

/// Where a connection goes when its exchange is over and it may serve another one.
pub trait Home: Send + Sync {
    /// Takes the connection back. Not called for one that is broken or must be closed: that one is just dropped.
    fn back(&self, client: Client);
}

/// What lives as long as a connection.
pub type Guard = Option<Box<dyn Any + Send + Sync>>;

/// An upstream connection. Dropping it closes it.
pub struct Client(Box<Inner>);

struct Inner {
    io: Io,
    input: Input,
    out: Out,
    spans: Vec<Span>,
    options: ClientOptions,
    served: u64,
    /// Bytes sent before this exchange.
    before: u64,
    guard: Guard,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "h1::Client({} served)", self.0.served)
    }
}

impl Client {
    /// A connection over `io`, which is connected. `guard` lives as long as the connection: its drop tells that it is gone.
    pub fn new(io: Io, options: ClientOptions, guard: Guard) -> Self {
        let (input, out) = (Input::default(), Out::default());
        Self(Box::new(Inner { io, input, out, spans: Vec::new(), options, served: 0, before: 0, guard }))
    }

    /// Requests sent so far.
    pub fn served(&self) -> u64 {
        self.0.served
    }

    /// The transport.
    pub fn io(&self) -> &Io {
        &self.0.io
    }

    /// What was given to [`Client::new`].
    pub fn guard(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.0.guard.as_deref()
    }

    /// Whether an idle connection may serve a request: the peer neither closed it nor sent anything. Costs a system call
    /// only when something has arrived.
    pub fn is_open(&mut self) -> bool {
        self.poll_idle(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Ready when an idle connection is of no use any more: closed, or the peer sent bytes that nobody asked for.
    pub fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &mut *self.0;
        if !inner.input.bytes.is_empty() {
            return Poll::Ready(());
        }
        inner.input.poll_idle(&mut inner.io, cx).map(|_| ())
    }

    /// Sends a request and waits for the head of its response. The response's body brings the connection `home`, or closes it
    /// when it is dropped before its end. Request and response flow at the same time. Dropping the future closes the
    /// connection.
    pub async fn send(mut self, request: Request, home: Arc<dyn Home>) -> Result<Response, UpstreamError> {
        let inner = &mut *self.0;
        inner.served += 1;
        inner.before = inner.out.total();
        let asked = Asked {
            head: request.head.method == http::Method::HEAD,
            connect: request.head.method == http::Method::CONNECT,
            upgrade: request.head.upgrade.is_some(),
        };
        let encoder = encode::request(&request.head, &request.body, &mut inner.out, inner.options.trailers);
        let tunnel = asked.connect || asked.upgrade;
        let mut upload = Upload::new(request.body, encoder, tunnel);
        // The fields are on the wire or in the buffer: what they hold on to is free again.
        drop(request.head);
        let mut broken = false;
        let parsed = poll_fn(|cx| self.poll_exchange(&mut upload, asked, &mut broken, cx)).await?;
        Ok(self.respond(parsed, upload, broken, home))
    }

    /// Sends a CONNECT request and waits for the head of its response. Once that says yes the connection is the
    /// tunnel, and comes with its guard; otherwise it is closed.
    pub async fn tunnel(mut self, head: &RequestHead) -> Result<(ResponseHead, Option<(Io, Guard)>), UpstreamError> {
        let inner = &mut *self.0;
        inner.before = inner.out.total();
        let asked = Asked { connect: true, ..Asked::default() };
        let encoder = encode::request(head, &Body::Empty, &mut inner.out, false);
        let mut upload = Upload::new(Body::Empty, encoder, false);
        let mut broken = false;
        let parsed = poll_fn(|cx| self.poll_exchange(&mut upload, asked, &mut broken, cx)).await?;
        if !parsed.tunnel {
            return Ok((parsed.head, None));
        }
        let Inner { io, input, guard, .. } = *self.0;
        Ok((parsed.head, Some((Io::replay(input.bytes.freeze(), io), guard))))
    }

    fn poll_exchange(
        &mut self,
        upload: &mut Upload,
        asked: Asked,
        broken: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Parsed, UpstreamError>> {
        if !upload.is_done() && !*broken {
            match self.poll_upload(upload, cx) {
                Poll::Ready(Err(UploadError::Body(error))) => {
                    return Poll::Ready(Err(self.failed(UpstreamErrorKind::Request(error), error.to_string())));
                }
                // The server may have answered before it closed: read on.
                Poll::Ready(Err(UploadError::Transport)) => *broken = true,
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        let limits = self.limits();
        loop {
            let inner = &mut *self.0;
            if !inner.input.bytes.is_empty() {
                match response_head::parse(&mut inner.input.bytes, &mut inner.spans, limits, asked) {
                    Ok(Some(parsed)) => return Poll::Ready(Ok(parsed)),
                    Ok(None) => {}
                    Err(refusal) => return Poll::Ready(Err(self.refused(refusal))),
                }
            }
            let inner = &mut *self.0;
            match ready!(inner.input.poll_fill(&mut inner.io, cx)) {
                Ok(0) => {
                    return Poll::Ready(Err(self.failed(UpstreamErrorKind::Disconnected, "connection_termination")));
                }
                Ok(_) => {}
                Err(error) => {
                    return Poll::Ready(Err(self.failed(UpstreamErrorKind::Disconnected, error.to_string())));
                }
            }
        }
    }

    /// Moves the request on.
    pub(super) fn poll_upload(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        let inner = &mut *self.0;
        upload.poll(&mut inner.io, &mut inner.out, cx)
    }

    /// Reads the next frame of the response's body.
    pub(super) fn poll_download(
        &mut self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<crate::http::Frame, StreamError>>> {
        let inner = &mut *self.0;
        loop {
            match decoder.next(&mut inner.input.bytes) {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) if decoder.is_done() => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            match ready!(inner.input.poll_fill(&mut inner.io, cx)) {
                // An end before the promised one counts as broken HTTP, not as a lost connection.
                Ok(0) => {
                    return Poll::Ready(decoder.end().err().map(|_| Err(StreamError::Protocol("http1.codec_error"))));
                }
                Ok(_) => {}
                Err(_) => return Poll::Ready(Some(Err(StreamError::Disconnected))),
            }
        }
    }

    fn respond(mut self, parsed: Parsed, upload: Upload, broken: bool, home: Arc<dyn Home>) -> Response {
        let keep = parsed.keep && !broken && upload.fits();
        let Parsed { head, framing, .. } = parsed;
        let sent = upload.is_done() || broken;
        let bytes = &mut self.0.input.bytes;
        let body = match framing {
            Framing::Empty | Framing::Length(0) if sent => {
                self.finish(keep, &*home);
                Body::Empty
            }
            // All of it is at hand.
            Framing::Length(length) if sent && bytes.len() as u64 >= length => {
                let body = bytes.split_to(usize::try_from(length).unwrap_or(0)).freeze();
                self.finish(keep, &*home);
                Body::Full(body)
            }
            framing => {
                let decoder = Decoder::new(framing, self.limits());
                Body::stream(Download::new(self, decoder, (!sent).then_some(upload), keep, home))
            }
        };
        Response { head, body }
    }

    /// The exchange is over.
    pub(super) fn finish(mut self, keep: bool, home: &dyn Home) {
        // Bytes behind the response: nobody asked for them.
        if keep && self.0.input.bytes.is_empty() && self.0.out.is_empty() {
            self.0.out.release();
            home.back(self);
        }
    }

    fn limits(&self) -> Limits {
        let options = self.0.options;
        Limits { bytes: options.max_head, fields: options.max_fields, trailers: options.trailers }
    }

    fn failed(&self, kind: UpstreamErrorKind, detail: impl Into<String>) -> UpstreamError {
        UpstreamError { kind, detail: detail.into(), sent: self.0.out.total() > self.0.before }
    }

    fn refused(&self, refusal: Refusal) -> UpstreamError {
        match refusal {
            Refusal::TooLarge(detail) => self.failed(UpstreamErrorKind::TooLarge, detail),
            Refusal::Bad(detail) | Refusal::NotImplemented(detail) => self.failed(UpstreamErrorKind::Protocol, detail),
            Refusal::OldVersion => self.failed(UpstreamErrorKind::Protocol, "http1.codec_error"),
        }
    }
}

//! A downstream connection that speaks HTTP/1: requests one after the other, each answered before the next is read.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{StatusCode, header};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::decode::Framing;
use super::encode::{self, Answering};
use super::fields::{Limits, Refusal, Span, tokens};
use super::out::Out;
use super::request_head::{self, Parsed};
use super::upload::{Sink as _, Upload, UploadError};
use super::wire::{Transport, Wire};
use crate::hcm::{Hcm, Overdue, Served};
use crate::http::{Headers, Reply, Request, StreamError, Version};
use crate::net::{Drain, Io};
use crate::stream::{Connection, Flag};
use crate::telemetry::stats::Raised;

/// Serves a connection until it ends. `io` begins with the first request (sniffed bytes put back). Dropping the future
/// closes the connection and cancels what goes on on it.
pub async fn serve(io: Io, connection: Arc<Connection>, hcm: Arc<Hcm>, drain: Drain) {
    let mut end = drain.clone();
    let mut closed = pin!(end.closed());
    let mut session = Session::new(io, connection, hcm, drain.clone());
    let mut serving = pin!(session.run());
    let mut listening = false;
    poll_fn(|cx| {
        // Once asked, the word wakes this task: it is only looked at again when there is some.
        if !listening || drain.draining() {
            listening = true;
            if closed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        serving.as_mut().poll(cx)
    })
    .await;
}

/// A connection between requests, and what it needs within one.
struct Session {
    wire: Wire,
    out: Out,
    spans: Vec<Span>,
    connection: Arc<Connection>,
    hcm: Arc<Hcm>,
    drain: Drain,
    deadline: Deadline,
    limits: Limits,
    /// When the last exchange ended, or the connection began.
    since: Instant,
    /// When the connection has lived long enough.
    ends: Option<Instant>,
    /// When the first byte of a head that is not complete came.
    first: Option<Instant>,
    /// Bytes that were looked at and hold no whole head.
    seen: usize,
    /// Requests that it may still take, if that is limited.
    left: Option<u32>,
}

/// What came.
enum Next {
    Request(Parsed),
    Refused(Reply),
    Over,
}

/// How the response got out.
enum Sent {
    Whole,
    /// The response's body broke off.
    Broken(StreamError),
    /// The client went away.
    Gone,
    /// Nothing moved for too long.
    Stalled,
}

impl Session {
    fn new(io: Io, connection: Arc<Connection>, hcm: Arc<Hcm>, drain: Drain) -> Self {
        let limits = Limits { bytes: hcm.max_head, fields: hcm.max_fields, trailers: hcm.http1.trailers };
        let since = Instant::now();
        Self {
            wire: Arc::new(Mutex::new(Transport::new(io))),
            out: Out::default(),
            spans: Vec::new(),
            ends: hcm.timeouts.max_connection.map(|most| since + most),
            left: hcm.max_requests.filter(|most| *most > 0),
            connection,
            hcm,
            drain,
            deadline: Deadline::default(),
            limits,
            since,
            first: None,
            seen: 0,
        }
    }

    async fn run(&mut self) {
        loop {
            match poll_fn(|cx| self.poll_head(cx)).await {
                Next::Request(parsed) => {
                    // In a box: a connection without a request does not hold its kilobytes, and busy ones share them.
                    if !Box::pin(self.exchange(parsed)).await {
                        return;
                    }
                }
                Next::Refused(reply) => return Box::pin(self.refuse(reply)).await,
                Next::Over => return,
            }
        }
    }

    /// Waits for a request head.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let Transport { io, input, .. } = &mut *self.wire.lock();
        loop {
            if self.seen == 0 {
                request_head::skip_empty_lines(&mut input.bytes);
            }
            let bytes = &mut input.bytes;
            if bytes.len() > self.seen {
                let look = self.seen == 0 || bytes.len() > self.limits.bytes || request_head::may_end(bytes, self.seen);
                let scheme = self.connection.scheme();
                if look {
                    match request_head::parse(bytes, &mut self.spans, self.limits, &self.hcm.http1, scheme) {
                        Ok(Some(parsed)) => {
                            self.seen = 0;
                            return Poll::Ready(Next::Request(parsed));
                        }
                        Ok(None) => {}
                        Err(refusal) => return Poll::Ready(Next::Refused(refused(refusal))),
                    }
                }
                self.seen = bytes.len();
                self.first.get_or_insert_with(Instant::now);
            }
            let filled = if bytes.is_empty() { input.poll_idle(io, cx) } else { input.poll_fill(io, cx) };
            match filled {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Over),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        let (at, late) = self.head_deadline();
        self.deadline.set(at);
        self.deadline.poll(cx).map(|()| {
            let stats = &self.hcm.stats.connections;
            match late {
                Some(reply) => return Next::Refused(reply),
                None if self.is_old() => stats.aged.inc(),
                None => stats.idle.inc(),
            }
            Next::Over
        })
    }

    /// Whether the connection has lived long enough.
    fn is_old(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// Whether the connection ends with this answer though nobody asked for it here; counts why.
    fn ends_by_itself(&mut self) -> bool {
        self.left = self.left.map(|left| left.saturating_sub(1));
        let stats = &self.hcm.stats.connections;
        let reasons = [
            (self.drain.draining(), &stats.drained),
            (self.left == Some(0), &stats.served_enough),
            (self.ends.is_some() && self.is_old(), &stats.aged),
        ];
        let mut ends = false;
        for (_, counter) in reasons.iter().filter(|(ends, _)| *ends) {
            counter.inc();
            ends = true;
        }
        ends
    }

    /// Until when a head may take, and what is said when it takes longer.
    fn head_deadline(&self) -> (Option<Instant>, Option<Reply>) {
        let times = &self.hcm.timeouts;
        let Some(first) = self.first else {
            let idle = times.idle.map(|idle| self.since + idle);
            return ([idle, self.ends].into_iter().flatten().min(), None);
        };
        let late = |details, text: &'static str| Reply::new(StatusCode::REQUEST_TIMEOUT, details, text);
        let limits = [
            (times.request_headers, late("request_header_timeout", "request header timeout")),
            (times.request, late("request_overall_timeout", "request timeout")),
            (times.stream_idle, late("stream_idle_timeout", "stream timeout").flag(Flag::StreamIdleTimeout)),
        ];
        let next =
            limits.into_iter().filter_map(|(limit, reply)| Some((first + limit?, reply))).min_by_key(|next| next.0);
        next.map_or((None, None), |(at, reply)| (Some(at), Some(reply)))
    }

    /// Serves a request. False: the connection is over.
    async fn exchange(&mut self, parsed: Parsed) -> bool {
        let Parsed { head, framing, keep_alive, expects } = parsed;
        let how = Answering {
            head_request: head.method == http::Method::HEAD,
            connect: head.method == http::Method::CONNECT,
            http10: head.version == Version::Http10,
            keep_alive,
            trailers: self.limits.trailers,
            ..Answering::default()
        };
        let upgrade = head.upgrade.clone();
        let begun = self.first.take().unwrap_or_else(Instant::now);
        let body = Transport::begin(&self.wire, framing, self.limits);
        if expects {
            self.out.bytes.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            if poll_fn(|cx| (&self.wire).poll_write(&mut self.out, cx)).await.is_err() {
                return false;
            }
        }
        let served = {
            let Self { wire, hcm, connection, deadline, .. } = &mut *self;
            let overdue = Overdue::default();
            let mut serving = pin!(hcm.serve(connection, Request { head, body }, &overdue));
            let tunnel = framing == Framing::Raw;
            poll_fn(|cx| {
                if let Poll::Ready(served) = serving.as_mut().poll(cx) {
                    return Poll::Ready(Some(served));
                }
                match ready!(poll_waiting(wire, hcm, deadline, tunnel, begun, cx)) {
                    Waited::Gone => Poll::Ready(None),
                    Waited::Late(why) => {
                        overdue.set(why);
                        serving.as_mut().poll(cx).map(Some)
                    }
                }
            })
            .await
        };
        match served {
            Some(served) => self.answer(served, how, framing, upgrade).await,
            None => false,
        }
    }

    /// Sends the response. False: the connection is over.
    async fn answer(
        &mut self,
        mut served: Served,
        mut how: Answering,
        framing: Framing,
        upgrade: Option<String>,
    ) -> bool {
        let body = std::mem::take(&mut served.response.body);
        let head = &mut served.response.head;
        let switching = head.status == StatusCode::SWITCHING_PROTOCOLS;
        let tunnel = framing == Framing::Raw && (switching || how.connect && head.status.is_success());
        let wants_close = takes_close(&mut head.headers);
        let begun = Instant::now();
        how.close = self.ends_by_itself() || !how.keep_alive || wants_close || !self.wire.lock().incoming.is_done();
        how.keep_alive = how.http10 && !how.close;
        if switching
            && !head.headers.has(&header::UPGRADE)
            && let Some(value) = upgrade.and_then(|protocol| protocol.parse().ok())
        {
            head.headers.add(header::UPGRADE, value);
        }
        let encoder = encode::response(head, &body, &mut self.out, how);
        let over = how.close || encoder.is_raw();
        let _upgraded = tunnel.then(|| Raised::new(&self.hcm.stats.connections.upgraded));
        served.info().response_started = Some(begun);
        let mut upload = Upload::new(body, encoder, tunnel);
        let sent = self.send(&mut upload, tunnel, begun).await;
        self.record(&mut served, &upload);
        match sent {
            Sent::Whole if upload.fits() => served.complete(),
            Sent::Whole => {
                served.abort(Flag::UpstreamProtocolError);
                return false;
            }
            Sent::Broken(error) => {
                served.broken(error);
                self.flush().await;
                return false;
            }
            Sent::Gone => return false,
            Sent::Stalled => {
                served.abort(Flag::StreamIdleTimeout);
                return false;
            }
        }
        if over {
            self.linger(tunnel).await;
            return false;
        }
        self.out.release();
        true
    }

    /// Sends what was received before a response broke off; a client that does not read gets no more time.
    async fn flush(&mut self) {
        let Self { wire, out, hcm, .. } = self;
        let flushed = poll_fn(|cx| (&*wire).poll_write(out, cx));
        let _ = tokio::time::timeout(hcm.timeouts.delayed_close, flushed).await;
    }

    async fn send(&mut self, upload: &mut Upload, tunnel: bool, begun: Instant) -> Sent {
        let Self { wire, out, hcm, deadline, .. } = self;
        let (mut moved, mut progress) = (begun, 0);
        poll_fn(|cx| {
            match upload.poll(&mut &*wire, out, cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Sent::Whole),
                Poll::Ready(Err(UploadError::Body(error))) => return Poll::Ready(Sent::Broken(error)),
                Poll::Ready(Err(UploadError::Transport)) => return Poll::Ready(Sent::Gone),
                Poll::Pending => {}
            }
            let mut transport = wire.lock();
            if !tunnel && transport.poll_gone(cx).is_ready() {
                return Poll::Ready(Sent::Gone);
            }
            let now = (upload.bytes, out.total());
            let received = transport.incoming.bytes;
            drop(transport);
            let Some(idle) = hcm.timeouts.stream_idle else { return Poll::Pending };
            if progress != now.0 + now.1 + received {
                progress = now.0 + now.1 + received;
                moved = Instant::now();
            }
            deadline.set(Some(moved + idle));
            deadline.poll(cx).map(|()| Sent::Stalled)
        })
        .await
    }

    fn record(&mut self, served: &mut Served, upload: &Upload) {
        let (received, ended) = {
            let incoming = &self.wire.lock().incoming;
            (incoming.bytes, incoming.ended)
        };
        self.since = Instant::now();
        let info = served.info();
        info.bytes_sent += upload.bytes;
        info.bytes_received = received;
        info.request_received = ended.or(info.request_received).or(Some(info.started));
        info.response_sent = Some(self.since);
    }

    /// Answers what is no request.
    async fn refuse(&mut self, reply: Reply) {
        let mut served = self.hcm.refuse(&self.connection, Version::Http11, reply);
        let response = &mut served.response;
        takes_close(&mut response.head.headers);
        let how = Answering { close: true, ..Answering::default() };
        let encoder = encode::response(&response.head, &response.body, &mut self.out, how);
        let mut upload = Upload::new(std::mem::take(&mut response.body), encoder, false);
        let sent = self.send(&mut upload, true, Instant::now()).await;
        served.info().bytes_sent += upload.bytes;
        served.complete();
        if let Sent::Whole = sent {
            // What is left unread must not reset the connection before the client has read the answer.
            self.linger(false).await;
        }
    }

    /// Ends our side. A client that may still be sending gets some time to read the response before the connection goes.
    async fn linger(&mut self, tunnel: bool) {
        let Self { wire, hcm, deadline, .. } = self;
        let mut ended = false;
        deadline.set(Some(Instant::now() + hcm.timeouts.delayed_close));
        poll_fn(|cx| {
            if !ended {
                match (&*wire).poll_shutdown(cx) {
                    Poll::Ready(Ok(())) => ended = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return deadline.poll(cx),
                }
            }
            let mut transport = wire.lock();
            let quiet = tunnel || transport.incoming.is_done() && transport.input.bytes.is_empty();
            if quiet || transport.poll_discard(cx).is_ready() {
                return Poll::Ready(());
            }
            drop(transport);
            deadline.poll(cx).map(|()| hcm.stats.connections.delayed_close.inc())
        })
        .await;
    }
}

/// What happened while a response was awaited.
enum Waited {
    /// The client has gone.
    Gone,
    /// The request takes too long; its body has failed with this.
    Late(StreamError),
}

/// While a response is awaited: looks after the client and the time that its request takes.
fn poll_waiting(
    wire: &Wire,
    hcm: &Hcm,
    deadline: &mut Deadline,
    tunnel: bool,
    begun: Instant,
    cx: &mut Context<'_>,
) -> Poll<Waited> {
    let mut transport = wire.lock();
    if !tunnel && transport.poll_gone(cx).is_ready() {
        return Poll::Ready(Waited::Gone);
    }
    if tunnel || transport.incoming.is_done() || transport.incoming.is_failed() {
        return Poll::Pending;
    }
    let whole = hcm.timeouts.request.map(|limit| begun + limit);
    let stalls = transport.incoming.stalls(begun, hcm.timeouts.stream_idle);
    deadline.set([whole, stalls].into_iter().flatten().min());
    ready!(deadline.poll(cx));
    let late = whole.is_some_and(|whole| whole <= Instant::now());
    let why = if late { StreamError::Timeout } else { StreamError::IdleTimeout };
    transport.incoming.fail(why);
    Poll::Ready(Waited::Late(why))
}

/// Whether the connection manager wants the connection closed: it says so by `connection: close`, which is written here.
fn takes_close(headers: &mut Headers) -> bool {
    let close = headers
        .all(&header::CONNECTION)
        .any(|value| tokens(value.as_bytes()).any(|token| token.eq_ignore_ascii_case(b"close")));
    headers.remove(&header::CONNECTION);
    close
}

fn refused(refusal: Refusal) -> Reply {
    let (status, details) = match refusal {
        Refusal::Bad(details) => (StatusCode::BAD_REQUEST, details),
        Refusal::OldVersion => (StatusCode::UPGRADE_REQUIRED, "low_version"),
        Refusal::TooLarge(details) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, details),
        Refusal::NotImplemented(details) => (StatusCode::NOT_IMPLEMENTED, details),
    };
    Reply::new(status, details, status.canonical_reason().unwrap_or_default()).flag(Flag::DownstreamProtocolError)
}

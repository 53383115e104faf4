//! A downstream connection that speaks HTTP/2.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::Reason;
use h2::server::{Builder, Connection as H2};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::hcm::Hcm;
use crate::net::{Drain, Io, Phase};
use crate::stream::Connection;

use super::pings::Pings;
use super::resets::Resets;
use super::stream::{Ended, exchange};
use super::watch::Watch;

/// Bytes of responses that wait for the socket, for each stream.
const SEND_BUFFER: usize = 64 << 10;

/// Serves a connection until it ends. `io` begins with the client's preface (sniffed bytes put back). Dropping the
/// future closes the connection and cancels what goes on on it.
pub async fn serve(io: Io, connection: Arc<Connection>, hcm: Arc<Hcm>, mut drain: Drain) {
    let handshake = builder(&hcm).handshake(io);
    let shaken = match hcm.timeouts.idle {
        Some(idle) => tokio::time::timeout(idle, handshake).await.ok(),
        None => Some(handshake.await),
    };
    let Some(Ok(h2)) = shaken else { return };
    let mut session = Session::new(h2, &hcm);
    if drain.draining() {
        session.drain(None);
    }
    let watch = session.watch.clone();
    let make = |request, respond| exchange(hcm.clone(), connection.clone(), request, respond, watch.begin());
    let mut streams = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            () = poll_fn(|cx| session.poll(cx, &mut streams, &make)) => return,
            phase = drain.changed() => match phase {
                Phase::Running => {}
                Phase::Draining(deadline) => {
                    session.hcm.stats.connections.drained.inc();
                    session.drain(deadline);
                }
                Phase::Closing => return,
            },
        }
    }
}

fn builder(hcm: &Hcm) -> Builder {
    let options = &hcm.http2;
    let mut builder = Builder::new();
    builder
        .initial_window_size(options.stream_window)
        .initial_connection_window_size(options.connection_window)
        .max_concurrent_streams(options.max_concurrent_streams)
        .max_header_list_size(u32::try_from(hcm.max_head).unwrap_or(u32::MAX))
        .header_table_size(options.header_table)
        .max_send_buffer_size(SEND_BUFFER);
    if options.allow_connect {
        builder.enable_connect_protocol();
    }
    builder
}

/// A connection and its deadlines.
struct Session {
    h2: H2<Io, Bytes>,
    pings: Option<Pings>,
    resets: Resets,
    watch: Arc<Watch>,
    /// How often the streams are looked at, and when next.
    looks: Option<(Duration, Instant)>,
    idle: Option<Duration>,
    /// Requests that it may still take, if that is limited.
    left: Option<u32>,
    /// When the last stream ended; the beginning of the connection before there was one.
    quiet_since: Instant,
    /// When the connection is asked to end.
    ends: Option<Instant>,
    /// When it is cut, if it is draining.
    cut: Option<Instant>,
    draining: bool,
    timer: Option<Pin<Box<Sleep>>>,
    hcm: Arc<Hcm>,
}

impl Session {
    fn new(mut h2: H2<Io, Bytes>, hcm: &Arc<Hcm>) -> Self {
        let now = Instant::now();
        let pings = hcm.http2.keepalive.clone().and_then(|keepalive| Pings::new(h2.ping_pong()?, keepalive, now));
        let watch = Watch::new(hcm.timeouts.stream_idle, hcm.timeouts.request, now);
        Self {
            h2,
            pings,
            looks: watch.period().map(|period| (period, now + period)),
            watch,
            resets: Resets::new(hcm.http2.resets, now),
            idle: hcm.timeouts.idle,
            left: hcm.max_requests.filter(|most| *most > 0),
            quiet_since: now,
            ends: hcm.timeouts.max_connection.map(|most| now + most),
            cut: None,
            draining: false,
            timer: None,
            hcm: hcm.clone(),
        }
    }

    /// Asks the client to open no more streams: GOAWAY that leaves room for those on their way, then the final one when
    /// the client has answered the ping behind it. What goes on is finished, at the latest at `cut`.
    fn drain(&mut self, cut: Option<Instant>) {
        self.cut = cut.or(self.cut);
        if !std::mem::replace(&mut self.draining, true) {
            self.h2.graceful_shutdown();
        }
    }

    /// Drives everything; ready when the connection is over.
    fn poll<F: Future<Output = Ended>>(
        &mut self,
        cx: &mut Context<'_>,
        streams: &mut FuturesUnordered<F>,
        make: &impl Fn(http::Request<h2::RecvStream>, h2::server::SendResponse<Bytes>) -> F,
    ) -> Poll<()> {
        if self.looks.is_some() {
            self.watch.set_now(Instant::now());
        }
        loop {
            loop {
                match self.h2.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => {
                        streams.push(make(request, respond));
                        self.left = self.left.map(|left| left.saturating_sub(1));
                        if self.left == Some(0) && !self.draining {
                            self.hcm.stats.connections.served_enough.inc();
                            self.drain(None);
                        }
                    }
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            let mut moved = false;
            while let Poll::Ready(Some(ended)) = streams.poll_next_unpin(cx) {
                moved = true;
                if ended == Ended::ByClient && !self.resets.take() {
                    self.h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                }
                if streams.is_empty() && self.idle.is_some() {
                    self.quiet_since = Instant::now();
                }
            }
            if !moved && self.poll_deadlines(cx, streams.is_empty()).is_ready() {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// Looks at the time; ready when the connection has to be cut.
    fn poll_deadlines(&mut self, cx: &mut Context<'_>, quiet: bool) -> Poll<()> {
        loop {
            let idle = self.idle.filter(|_| quiet).map(|idle| self.quiet_since + idle);
            if self.pings.as_mut().is_some_and(|pings| pings.poll(cx).is_err()) {
                return Poll::Ready(());
            }
            let ping = self.pings.as_ref().and_then(Pings::deadline);
            let look = self.looks.filter(|_| !quiet).map(|(_, next)| next);
            let soft = if self.draining { None } else { [idle, self.ends].into_iter().flatten().min() };
            let Some(next) = [soft, self.cut, ping, look].into_iter().flatten().min() else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            // A timer that fires early only looks again: it is not moved for deadlines that go back.
            if timer.deadline() > next || timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if self.cut.is_some_and(|cut| cut <= now) {
                return Poll::Ready(());
            }
            if let Some((period, next)) = &mut self.looks
                && *next <= now
            {
                *next = now + *period;
                self.watch.come_by(now);
            }
            if soft.is_some_and(|soft| soft <= now) {
                let stats = &self.hcm.stats.connections;
                if idle.is_some_and(|idle| idle <= now) { &stats.idle } else { &stats.aged }.inc();
                self.drain(None);
                // Makes h2 send what it was just told.
                cx.waker().wake_by_ref();
            }
        }
    }
}

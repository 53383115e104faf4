//! The connections of one worker to one host that serve the same kind of requests, and the requests that wait for one.
//!
//! As in Envoy, a request takes a connection that is ready, or waits while connections are made for those that wait; a
//! connection that cannot be made fails all that wait.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cluster::{Cluster, Host, Permit, UpstreamError, UpstreamErrorKind};
use crate::http::{Version, h1, h2};

use super::Upstream;
use super::cx::Cx;
use super::key::Key;
use super::multiplexed::{Shared, Slot};
use super::{connect, multiplexed, sweep};

/// What RFC 9113 asks every peer to take at least.
const UNTOLD_STREAMS: usize = 100;

/// See the module.
#[derive(Debug)]
pub(super) struct Pool {
    pub key: Key,
    pub upstream: Arc<Upstream>,
    state: Mutex<State>,
    _permit: Permit,
}

#[derive(Debug, Default)]
struct State {
    /// Connections of HTTP/1 without a request; the last one used is the last.
    idle: Vec<Idle>,
    /// Connections of HTTP/2 that take requests, oldest first.
    shared: Vec<Multiplexed>,
    waiting: VecDeque<oneshot::Sender<Outcome>>,
    /// Connections being made.
    connecting: usize,
    /// Connections, those being made included.
    open: usize,
    /// Version that the last connection turned out to speak.
    version: Option<Version>,
    /// Streams that the peer takes on a connection of HTTP/2, as it said last.
    streams: Option<usize>,
    sweeping: bool,
    /// Where the next connection is made for requests that wait.
    source: Option<(Weak<Cluster>, Weak<Host>)>,
}

#[derive(Debug)]
struct Idle {
    client: h1::Client,
    /// When it was first seen idle; none until the sweep comes by.
    since: Option<Instant>,
}

#[derive(Debug)]
struct Multiplexed {
    client: h2::client::Client,
    shared: Arc<Shared>,
}

/// A place for a request.
#[derive(Debug)]
pub(super) enum Grant {
    /// A connection of its own.
    Http1(h1::Client),
    /// A stream on a connection; it counts already.
    Http2(Slot),
}

type Outcome = Result<Grant, UpstreamError>;

/// What a request gets at once.
pub(super) enum Ticket {
    /// A place.
    Ready(Grant),
    /// A place later.
    Wait(oneshot::Receiver<Outcome>),
}

impl Pool {
    /// A pool without connections.
    pub fn new(key: Key, upstream: Arc<Upstream>, permit: Permit) -> Arc<Self> {
        Arc::new(Self { key, upstream, state: Mutex::default(), _permit: permit })
    }

    /// A place for a request on a connection that is ready. None: there is none.
    pub fn ready(&self) -> Option<Grant> {
        let mut gone = Gone::default();
        let mut state = self.state.lock();
        let grant = self.take_ready(&mut state, &mut gone);
        drop(state);
        grant
    }

    fn take_ready(&self, state: &mut State, gone: &mut Gone) -> Option<Grant> {
        while let Some(Idle { mut client, .. }) = state.idle.pop() {
            let open = client.is_open();
            match cx_of(&client) {
                Some(cx) if open && !cx.is_old() => {
                    cx.active.store(1, Ordering::Relaxed);
                    return Some(Grant::Http1(client));
                }
                Some(cx) => cx.remote.store(!open, Ordering::Relaxed),
                None => {}
            }
            gone.http1.push(client);
        }
        let mut index = 0;
        while let Some(connection) = state.shared.get_mut(index) {
            match connection.client.limit() {
                Some(limit) if !connection.shared.cx.is_old() => {
                    if connection.client.is_settled() {
                        state.streams = Some(limit);
                    }
                    if let Some(slot) = connection.shared.take(limit, self.upstream.http.common.max_requests) {
                        return Some(Grant::Http2(slot));
                    }
                    index += 1;
                }
                limit => {
                    if limit.is_none() {
                        self.upstream.stats.cx_close_notify.inc();
                    }
                    gone.http2.push(state.shared.remove(index));
                }
            }
        }
        None
    }

    /// A place for a request, at once or later.
    pub fn acquire(self: &Arc<Self>, cluster: &Arc<Cluster>, host: &Arc<Host>) -> Ticket {
        let mut gone = Gone::default();
        let mut state = self.state.lock();
        if let Some(grant) = self.take_ready(&mut state, &mut gone) {
            drop(state);
            return Ticket::Ready(grant);
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        state.source = Some((Arc::downgrade(cluster), Arc::downgrade(host)));
        self.connect_for_waiting(&mut state);
        drop(state);
        Ticket::Wait(receiver)
    }

    /// Makes connections until those being made are enough for the requests that wait, as far as the limits allow.
    fn connect_for_waiting(self: &Arc<Self>, state: &mut State) {
        let source = state.source.as_ref().and_then(|(cluster, host)| Some((cluster.upgrade()?, host.upgrade()?)));
        let Some((cluster, host)) = source else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        if state.streams == Some(0) && state.open > 0 {
            // The peer takes no streams for now: one more connection would get none either.
            return;
        }
        state.waiting.retain(|sender| !sender.is_closed());
        while state.waiting.len() > state.connecting.saturating_mul(self.streams_of_a_new_one(state)) {
            let limit = &cluster.breakers(self.key.priority).connections;
            let most = cluster.settings.breakers.per_host_connections;
            let room = most.is_none_or(|most| u64::from(host.stats.cx_active.load(Ordering::Relaxed)) < most);
            let permit = match limit.try_take().filter(|_| room) {
                Some(permit) => permit,
                None => {
                    self.upstream.stats.cx_overflow.inc();
                    if state.open > 0 {
                        return;
                    }
                    // Without any connection nobody here would ever be served.
                    limit.take()
                }
            };
            state.connecting += 1;
            state.open += 1;
            runtime.spawn(self.clone().connect(host.clone(), permit));
        }
    }

    /// Requests that a connection being made will serve at the same time, as far as that can be known.
    fn streams_of_a_new_one(&self, state: &State) -> usize {
        match self.key.version.or(state.version) {
            Some(Version::Http2) => self.assumed_streams(state),
            _ => 1,
        }
    }

    /// Streams to open on a connection whose peer has not said how many it takes.
    fn assumed_streams(&self, state: &State) -> usize {
        let configured = self.upstream.http.http2.max_concurrent_streams as usize;
        configured.min(state.streams.unwrap_or(UNTOLD_STREAMS)).max(1)
    }

    async fn connect(self: Arc<Self>, host: Arc<Host>, permit: Permit) {
        let opened = connect::open(&self.upstream, &host, &self.key, permit).await;
        drop(host);
        let connect::Opened { io, mut cx } = match opened {
            Ok(opened) => opened,
            Err(error) => return self.failed(&error),
        };
        let io = crate::net::Io::Counted(Box::new(io));
        let alpn = cx.facts.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
        let version = self.key.version.unwrap_or(if alpn == Some("h2") { Version::Http2 } else { Version::Http11 });
        cx.facts.protocol = Some(version);
        if version != Version::Http2 {
            self.upstream.stats.cx_http1_total.inc();
            cx.belongs_to(&self);
            let client = h1::Client::new(io, self.upstream.http.http1, Some(Box::new(cx)));
            self.connected(version);
            self.back(client);
            return;
        }
        self.upstream.stats.cx_http2_total.inc();
        let common = &self.upstream.http.common;
        let limits = h2::client::HeadLimits { bytes: common.max_head, fields: common.max_fields };
        let assumed = self.assumed_streams(&self.state.lock());
        match h2::client::connect(io, &self.upstream.http.http2, limits, assumed).await {
            Ok((client, driver)) => {
                cx.belongs_to(&self);
                let shared = Shared::new(cx, &self);
                self.connected(version);
                self.state.lock().shared.push(Multiplexed { client, shared: shared.clone() });
                self.serve_waiting();
                let pool = Arc::downgrade(&self);
                drop(self);
                multiplexed::drive(driver, shared, pool).await;
            }
            Err(error) => {
                drop(cx);
                self.failed(&UpstreamError::unsent(UpstreamErrorKind::ConnectFailure, error.to_string()));
            }
        }
    }

    fn connected(&self, version: Version) {
        let mut state = self.state.lock();
        state.connecting = state.connecting.saturating_sub(1);
        state.version = Some(version);
    }

    /// A connection could not be made: requests that wait fail, as they would wait in vain.
    fn failed(&self, error: &UpstreamError) {
        let mut state = self.state.lock();
        state.connecting = state.connecting.saturating_sub(1);
        state.open = state.open.saturating_sub(1);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for sender in waiting {
            if sender.send(Err(error.clone())).is_ok() {
                self.upstream.stats.rq_pending_failure_eject.inc();
            }
        }
    }

    /// Takes a connection of HTTP/1 that is free: for a request that waits, or to keep.
    pub fn back(self: &Arc<Self>, mut client: h1::Client) {
        let most = self.upstream.http.common.max_requests;
        if most.is_some_and(|most| client.served() >= most) {
            self.upstream.stats.cx_max_requests.inc();
            return;
        }
        if let Some(cx) = cx_of(&client) {
            cx.active.store(0, Ordering::Relaxed);
            if cx.is_old() {
                return;
            }
        }
        let mut state = self.state.lock();
        while let Some(sender) = state.waiting.pop_front() {
            if let Some(cx) = cx_of(&client) {
                cx.active.store(1, Ordering::Relaxed);
            }
            match sender.send(Ok(Grant::Http1(client))) {
                // That one gave up.
                Err(Ok(Grant::Http1(returned))) => client = returned,
                Ok(()) | Err(_) => return,
            }
        }
        if let Some(cx) = cx_of(&client) {
            cx.active.store(0, Ordering::Relaxed);
        }
        state.idle.push(Idle { client, since: None });
        if !state.sweeping {
            state.sweeping = sweep::start(self);
        }
    }

    /// Gives streams of HTTP/2 to requests that wait, and makes connections for the rest.
    pub fn serve_waiting(self: &Arc<Self>) {
        let mut gone = Gone::default();
        let mut unwanted = Vec::new();
        let mut state = self.state.lock();
        while !state.waiting.is_empty() {
            let Some(grant) = self.take_ready(&mut state, &mut gone) else { break };
            let Some(sender) = state.waiting.pop_front() else { break };
            if let Err(Ok(grant)) = sender.send(Ok(grant)) {
                unwanted.push(grant);
                // Its place is free again only when it is dropped, outside of the lock.
                break;
            }
        }
        let again = !unwanted.is_empty();
        if !again {
            self.connect_for_waiting(&mut state);
        }
        drop(state);
        for grant in unwanted {
            // Serves the next one that waits.
            self.unused(grant);
        }
    }

    /// Whether requests wait.
    pub fn has_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// A connection has ended: there may be room for another one.
    pub fn connection_gone(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.open = state.open.saturating_sub(1);
        if !state.waiting.is_empty() {
            self.connect_for_waiting(&mut state);
        }
    }

    /// Takes back what a request got and did not use.
    pub fn unused(self: &Arc<Self>, grant: Grant) {
        match grant {
            Grant::Http1(client) => self.back(client),
            Grant::Http2(slot) => drop(slot),
        }
    }

    /// Whether nothing would be lost with it.
    pub fn is_unused(&self) -> bool {
        let state = self.state.lock();
        state.open == 0 && state.waiting.is_empty()
    }

    /// Lets a connection of HTTP/2 open a stream. None: it takes no more.
    pub fn with_client<R>(&self, shared: &Arc<Shared>, act: impl FnOnce(&mut h2::client::Client) -> R) -> Option<R> {
        let mut state = self.state.lock();
        let found = state.shared.iter_mut().find(|connection| Arc::ptr_eq(&connection.shared, shared))?;
        Some(act(&mut found.client))
    }

    /// Gives no more requests to a connection of HTTP/2; it ends when its streams have ended.
    pub fn retire(&self, shared: &Arc<Shared>) {
        let mut state = self.state.lock();
        let found = state.shared.iter().position(|connection| Arc::ptr_eq(&connection.shared, shared));
        let retired = found.map(|index| state.shared.remove(index));
        drop(state);
        drop(retired);
    }

    /// Closes idle connections of HTTP/1 that the peer has closed or that were idle for too long. False: none are left.
    pub fn sweep(&self) -> bool {
        let limit = self.upstream.http.common.idle_timeout;
        let now = Instant::now();
        let mut closed = Vec::new();
        let mut state = self.state.lock();
        let mut index = 0;
        while let Some(idle) = state.idle.get_mut(index) {
            let open = idle.client.is_open();
            let since = *idle.since.get_or_insert(now);
            let expired = limit.is_some_and(|limit| now.saturating_duration_since(since) >= limit);
            if open && !expired {
                index += 1;
                continue;
            }
            if open {
                self.upstream.stats.cx_idle_timeout.inc();
            }
            let Idle { client, .. } = state.idle.remove(index);
            if let Some(cx) = cx_of(&client) {
                cx.remote.store(!open, Ordering::Relaxed);
            }
            closed.push(client);
        }
        let some = !state.idle.is_empty();
        state.sweeping = some;
        drop(state);
        some
    }
}

/// Connections that are of no use any more. They are dropped when the lock is free: their end asks for it.
#[derive(Default)]
struct Gone {
    http1: Vec<h1::Client>,
    http2: Vec<Multiplexed>,
}

/// The guard of a connection of HTTP/1.
pub(super) fn cx_of(client: &h1::Client) -> Option<&Cx> {
    client.guard()?.downcast_ref()
}

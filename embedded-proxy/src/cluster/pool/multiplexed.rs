//! A connection of HTTP/2 in a pool: its streams are counted here, and a task moves its bytes.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::h2::client::Driver;

use super::cx::Cx;
use super::pool::Pool;

/// What pool, streams and driver of a connection share.
#[derive(Debug)]
pub(super) struct Shared {
    pub cx: Cx,
    pool: Weak<Pool>,
    /// Streams opened so far.
    total: AtomicU64,
    /// When the last stream ended: milliseconds after the connection was opened.
    quiet_since: AtomicU64,
    /// A connection that was quiet for this long is pinged when it is used.
    ping_after: Option<Duration>,
    ping: AtomicBool,
}

/// One stream of a connection. The place is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(pub Arc<Shared>);

impl Shared {
    pub fn new(cx: Cx, pool: &Arc<Pool>) -> Arc<Self> {
        let ping_after = pool.upstream.http.http2.keepalive.as_ref().and_then(|keepalive| keepalive.idle);
        Arc::new(Self {
            cx,
            pool: Arc::downgrade(pool),
            total: AtomicU64::new(0),
            quiet_since: AtomicU64::new(0),
            ping_after,
            ping: AtomicBool::new(false),
        })
    }

    /// Takes a stream when fewer than `limit` are open and fewer than `most` were opened. Only under the pool's lock.
    pub fn take(self: &Arc<Self>, limit: usize, most: Option<u64>) -> Option<Slot> {
        let room = self.cx.active.load(Ordering::Relaxed) < limit && !self.is_spent(most);
        room.then(|| {
            if self.ping_after.is_some_and(|after| self.quiet().is_some_and(|since| since.elapsed() >= after)) {
                self.ping.store(true, Ordering::Relaxed);
            }
            self.cx.active.fetch_add(1, Ordering::Relaxed);
            self.total.fetch_add(1, Ordering::Relaxed);
            Slot(self.clone())
        })
    }

    /// Whether it has opened as many streams as it may.
    pub fn is_spent(&self, most: Option<u64>) -> bool {
        most.is_some_and(|most| self.total.load(Ordering::Relaxed) >= most)
    }

    /// Since when it has no streams; none: it has some.
    fn quiet(&self) -> Option<Instant> {
        let quiet = self.cx.active.load(Ordering::Relaxed) == 0;
        quiet.then(|| self.cx.opened() + Duration::from_millis(self.quiet_since.load(Ordering::Relaxed)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let shared = &self.0;
        if shared.cx.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            let age = shared.cx.opened().elapsed().as_millis();
            shared.quiet_since.store(u64::try_from(age).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        if let Some(pool) = shared.pool.upgrade()
            && pool.has_waiting()
        {
            pool.serve_waiting();
        }
    }
}

/// Moves the bytes of a connection until it is closed: by the peer, because it is idle or old, or because the pool let it
/// go and its last stream ended.
pub(super) async fn drive(mut driver: Driver, shared: Arc<Shared>, pool: Weak<Pool>) {
    let idle = pool.upgrade().and_then(|pool| pool.upstream.http.common.idle_timeout);
    let mut ends = shared.cx.ends;
    let mut idle_at = idle.map(|idle| Instant::now() + idle);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let retire = || {
        if let Some(pool) = pool.upgrade() {
            pool.retire(&shared);
        }
    };
    poll_fn(|cx| {
        loop {
            if driver.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if driver.settled_now()
                && let Some(pool) = pool.upgrade()
            {
                pool.serve_waiting();
            }
            if shared.ping.swap(false, Ordering::Relaxed) {
                // The next look at the connection sends it.
                driver.ping();
                cx.waker().wake_by_ref();
            }
            let Ok(ping) = driver.poll_pings(cx) else { return Poll::Ready(()) };
            let Some(next) = [idle_at, ends, ping].into_iter().flatten().min() else { return Poll::Pending };
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if timer.deadline() > next || timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if ends.is_some_and(|ends| ends <= now) {
                (ends, idle_at) = (None, None);
                let _ = shared.cx.is_old();
                retire();
            }
            if let Some(idle) = idle.filter(|_| idle_at.is_some_and(|at| at <= now)) {
                let due = shared.quiet().map(|since| since + idle);
                idle_at = Some(due.unwrap_or(now + idle));
                if due.is_some_and(|due| due <= now) {
                    (ends, idle_at) = (None, None);
                    if let Some(pool) = pool.upgrade() {
                        pool.upstream.stats.cx_idle_timeout.inc();
                    }
                    retire();
                }
            }
        }
    })
    .await;
    retire();
}

//! A request on its way, as it is counted; and one that waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use crate::cluster::{Cluster, Host, Permit, UpstreamError, UpstreamErrorKind};
use crate::http::h1;

use super::multiplexed::Slot;
use super::pool::{Grant, Pool, Ticket};
use super::{Priority, Upstream};

/// Lives from the beginning of a request to the end of its response.
#[derive(Debug)]
pub(super) struct Active {
    upstream: Arc<Upstream>,
    host: Arc<Host>,
    _permit: Permit,
}

impl Active {
    /// Counts a request that begins. An error: there are too many.
    pub fn begin(cluster: &Cluster, host: &Arc<Host>, priority: Priority) -> Result<Self, UpstreamError> {
        let upstream = cluster.upstream.clone();
        let Some(permit) = cluster.breakers(priority).requests.try_take() else {
            return Err(overflow(&upstream));
        };
        upstream.stats.rq_total.inc();
        upstream.stats.rq_active.add(1);
        host.stats.rq_total.fetch_add(1, Ordering::Relaxed);
        host.active.fetch_add(1, Ordering::Relaxed);
        Ok(Self { upstream, host: host.clone(), _permit: permit })
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.upstream.stats.rq_active.add(-1);
        self.host.active.fetch_sub(1, Ordering::Relaxed);
    }
}

fn overflow(upstream: &Upstream) -> UpstreamError {
    upstream.stats.rq_pending_overflow.inc();
    UpstreamError::unsent(UpstreamErrorKind::Overflow, "overflow")
}

/// A request on a connection of HTTP/1: brings the connection back.
pub(super) struct Home {
    pub pool: Arc<Pool>,
    pub _active: Active,
}

impl h1::Home for Home {
    fn back(&self, client: h1::Client) {
        self.pool.back(client);
    }
}

/// A request on a stream of HTTP/2.
pub(super) struct Stream {
    pub _active: Active,
    pub _slot: Slot,
}

/// A request that waits for a connection.
struct Waiting<'p> {
    pool: &'p Arc<Pool>,
    receiver: oneshot::Receiver<Result<Grant, UpstreamError>>,
    _permit: Permit,
    done: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let stats = &self.pool.upstream.stats;
        stats.rq_pending_active.add(-1);
        if !self.done {
            stats.rq_cancelled.inc();
            self.receiver.close();
            if let Ok(Ok(grant)) = self.receiver.try_recv() {
                self.pool.unused(grant);
            }
        }
    }
}

/// Gets a place for a request; waits for one if it has to.
pub(super) async fn place(pool: &Arc<Pool>, cluster: &Arc<Cluster>, host: &Arc<Host>) -> Result<Grant, UpstreamError> {
    if let Some(grant) = pool.ready() {
        return Ok(grant);
    }
    let Some(permit) = cluster.breakers(pool.key.priority).pending.try_take() else {
        return Err(overflow(&pool.upstream));
    };
    let receiver = match pool.acquire(cluster, host) {
        Ticket::Ready(grant) => return Ok(grant),
        Ticket::Wait(receiver) => receiver,
    };
    pool.upstream.stats.rq_pending_total.inc();
    pool.upstream.stats.rq_pending_active.add(1);
    let mut waiting = Waiting { pool, receiver, _permit: permit, done: false };
    let outcome = (&mut waiting.receiver).await;
    waiting.done = true;
    // The pool lives as long as this request holds it and answers all that wait.
    outcome.unwrap_or_else(|_| Err(UpstreamError::unsent(UpstreamErrorKind::ConnectFailure, "")))
}

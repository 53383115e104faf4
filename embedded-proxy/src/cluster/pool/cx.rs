//! One upstream connection as it is counted: from the attempt to connect to its end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use tokio::time::Instant;

use crate::cluster::{Host, Permit};

use super::pool::Pool;
use super::{ConnectFacts, Upstream};

/// Lives as long as its connection. Dropping it counts the end and tells the pool that there is room.
#[derive(Debug)]
pub(super) struct Cx {
    upstream: Arc<Upstream>,
    host: Weak<Host>,
    pool: Weak<Pool>,
    permit: Option<Permit>,
    opened: Instant,
    /// No request is given to it after this.
    pub ends: Option<Instant>,
    /// What is known of it; complete once it is connected.
    pub facts: ConnectFacts,
    connected: bool,
    /// The peer ended it.
    pub remote: Arc<AtomicBool>,
    /// That it is old was counted.
    aged: AtomicBool,
    /// Requests on it now.
    pub active: AtomicUsize,
}

impl Cx {
    /// Counts a connection that is about to be made.
    pub fn new(upstream: &Arc<Upstream>, host: &Arc<Host>, permit: Permit) -> Self {
        upstream.stats.cx_total.inc();
        upstream.stats.cx_active.add(1);
        host.stats.cx_total.fetch_add(1, Ordering::Relaxed);
        host.stats.cx_active.fetch_add(1, Ordering::Relaxed);
        Self {
            upstream: upstream.clone(),
            host: Arc::downgrade(host),
            pool: Weak::new(),
            permit: Some(permit),
            opened: Instant::now(),
            ends: None,
            facts: ConnectFacts { local: None, tls: None, protocol: None },
            connected: false,
            remote: Arc::default(),
            aged: AtomicBool::new(false),
            active: AtomicUsize::new(0),
        }
    }

    /// It is connected.
    pub fn connected(&mut self, facts: ConnectFacts) {
        self.facts = facts;
        self.connected = true;
        self.ends = self.upstream.http.common.lifetime().map(|most| Instant::now() + most);
    }

    /// It belongs to this pool, which hears of its end.
    pub fn belongs_to(&mut self, pool: &Arc<Pool>) {
        self.pool = Arc::downgrade(pool);
    }

    /// When it was opened.
    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// Whether it may take no more requests because it is old. Costs nothing unless that is limited.
    pub fn is_old(&self) -> bool {
        let old = self.ends.is_some_and(|ends| ends <= Instant::now());
        if old && !self.aged.swap(true, Ordering::Relaxed) {
            self.upstream.stats.cx_max_duration_reached.inc();
        }
        old
    }
}

impl Drop for Cx {
    fn drop(&mut self) {
        let stats = &self.upstream.stats;
        stats.cx_active.add(-1);
        if let Some(host) = self.host.upgrade() {
            host.stats.cx_active.fetch_sub(1, Ordering::Relaxed);
        }
        let remote = self.remote.load(Ordering::Relaxed);
        let busy = self.active.load(Ordering::Relaxed) > 0;
        stats.cx_destroy.inc();
        if remote { &stats.cx_destroy_remote } else { &stats.cx_destroy_local }.inc();
        if busy {
            stats.cx_destroy_with_active_rq.inc();
            if remote { &stats.cx_destroy_remote_with_active_rq } else { &stats.cx_destroy_local_with_active_rq }.inc();
        }
        if self.connected {
            stats.cx_length_ms.record(self.opened.elapsed().as_secs_f64() * 1000.0);
        }
        drop(self.permit.take());
        if let Some(pool) = self.pool.upgrade() {
            pool.connection_gone();
        }
    }
}

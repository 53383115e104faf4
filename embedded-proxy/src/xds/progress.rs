//! How far the first delivery of clusters and listeners is, and what the stats say about deliveries.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Kind;
use crate::telemetry::stats::{Counter, Gauge, Scope};

/// Shared by all streams of a proxy.
#[derive(Debug)]
pub struct Progress {
    /// Whether listeners may be asked for: the clusters that they lead to are ready.
    listeners_open: watch::Sender<bool>,
    /// Kinds that were answered at least once.
    answered: watch::Sender<Vec<Kind>>,
    clusters: UpdateStats,
    listeners: UpdateStats,
    /// 1 while a stream to the control plane is open.
    pub(super) connected: Arc<Gauge>,
    /// Name that the control plane gives itself.
    identifier: Mutex<String>,
}

#[derive(Debug)]
struct UpdateStats {
    attempt: Arc<Counter>,
    success: Arc<Counter>,
    rejected: Arc<Counter>,
    failure: Arc<Counter>,
    init_fetch_timeout: Arc<Counter>,
    time: Arc<Gauge>,
    version: Arc<Gauge>,
}

impl UpdateStats {
    fn new(scope: &Scope) -> Self {
        Self {
            attempt: scope.counter("update_attempt"),
            success: scope.counter("update_success"),
            rejected: scope.counter("update_rejected"),
            failure: scope.counter("update_failure"),
            init_fetch_timeout: scope.counter("init_fetch_timeout"),
            time: scope.gauge("update_time"),
            version: scope.gauge("version"),
        }
    }
}

/// What happened to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'v> {
    /// A request was sent.
    Attempt,
    /// A response of that version was accepted.
    Accepted(&'v str),
    /// A response was refused.
    Rejected,
    /// The stream failed.
    Failed,
    /// The first delivery did not come in time.
    TimedOut,
}

impl Progress {
    /// Nothing has arrived yet.
    pub fn new(root: &Scope) -> Self {
        Self {
            listeners_open: watch::Sender::new(false),
            answered: watch::Sender::new(Vec::new()),
            clusters: UpdateStats::new(&root.sub("cluster_manager").sub("cds")),
            listeners: UpdateStats::new(&root.sub("listener_manager").sub("lds")),
            connected: root.sub("control_plane").gauge("connected_state"),
            identifier: Mutex::default(),
        }
    }

    /// Lets listeners be asked for.
    pub fn open_listeners(&self) {
        self.listeners_open.send_replace(true);
    }

    /// Whether listeners may be asked for; changes once.
    pub(super) fn listeners_open(&self) -> watch::Receiver<bool> {
        self.listeners_open.subscribe()
    }

    /// Waits until a response of that kind was taken, accepted or not.
    pub async fn answered(&self, kind: Kind) {
        let _ = self.answered.subscribe().wait_for(|kinds| kinds.contains(&kind)).await;
    }

    /// Notes that the first delivery of a kind did not come in time.
    pub fn timed_out(&self, kind: Kind) {
        self.note(kind, Outcome::TimedOut);
    }

    /// Name that the control plane gives itself; empty before its first response.
    pub fn identifier(&self) -> String {
        self.identifier.lock().clone()
    }

    pub(super) fn set_identifier(&self, identifier: &str) {
        if !identifier.is_empty() {
            identifier.clone_into(&mut self.identifier.lock());
        }
    }

    /// Notes what happened to a delivery of a kind.
    pub(super) fn note(&self, kind: Kind, outcome: Outcome<'_>) {
        if matches!(outcome, Outcome::Accepted(_) | Outcome::Rejected) {
            self.answered.send_if_modified(|kinds| {
                let new = !kinds.contains(&kind);
                if new {
                    kinds.push(kind);
                }
                new
            });
        }
        let stats = match kind {
            Kind::Cluster => &self.clusters,
            Kind::Listener => &self.listeners,
            _ => return,
        };
        match outcome {
            Outcome::Attempt => stats.attempt.inc(),
            Outcome::Accepted(version) => {
                stats.success.inc();
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                stats.time.set(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
                stats.version.set(twox_hash::XxHash64::oneshot(0, version.as_bytes()).cast_signed());
            }
            Outcome::Rejected => stats.rejected.inc(),
            Outcome::Failed => stats.failure.inc(),
            Outcome::TimedOut => stats.init_fetch_timeout.inc(),
        }
    }
}

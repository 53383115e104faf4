//! What outlier detection remembers of one host.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::OutlierConfig;

/// Where a failure arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// At the host: its responses.
    External,
    /// Here: connections that failed, timeouts.
    Local,
}

/// Requests of the interval that goes on, and of the one before.
#[derive(Debug)]
struct Rate {
    now: [AtomicU64; 2],
    before: [AtomicU64; 2],
    /// Bits of the last success rate in percent, that of -1 when there is none.
    shown: AtomicU64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { now: Default::default(), before: Default::default(), shown: AtomicU64::new((-1.0_f64).to_bits()) }
    }
}

impl Rate {
    fn note(&self, success: bool) {
        self.now[1].fetch_add(1, Ordering::Relaxed);
        if success {
            self.now[0].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn turn(&self) {
        for (now, before) in self.now.iter().zip(&self.before) {
            before.store(now.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
        self.show(-1.0);
    }

    fn show(&self, rate: f64) {
        self.shown.store(rate.to_bits(), Ordering::Relaxed);
    }
}

/// Ejections of a host.
#[derive(Debug, Default)]
pub(super) struct Ejections {
    /// How many there were.
    pub(super) count: u32,
    /// Factor of the base time for the next one.
    pub(super) backoff: u32,
    pub(super) last: Option<Instant>,
    pub(super) last_end: Option<Instant>,
    pub(super) jitter: Duration,
}

/// The memory of one host.
#[derive(Debug, Default)]
pub struct Monitor {
    in_a_row: [AtomicU32; 3],
    external: Rate,
    local: Rate,
    pub(super) ejections: Mutex<Ejections>,
}

/// A run of failures that reached its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Server,
    Gateway,
    Local,
}

impl Run {
    fn index(self) -> usize {
        match self {
            Self::Server => 0,
            Self::Gateway => 1,
            Self::Local => 2,
        }
    }
}

impl Monitor {
    fn count(&self, run: Run, limit: u32, reached: &mut Vec<Run>) {
        let count = self.in_a_row[run.index()].fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if count == limit {
            reached.push(run);
        }
    }

    /// Ends a run of failures.
    pub(super) fn end(&self, run: Run) {
        self.in_a_row[run.index()].store(0, Ordering::Relaxed);
    }

    /// Ends all runs.
    pub(super) fn end_all(&self) {
        for run in [Run::Server, Run::Gateway, Run::Local] {
            self.end(run);
        }
    }

    /// Notes a status and returns the runs that it completes.
    pub(super) fn status(&self, status: u16, config: &OutlierConfig) -> Vec<Run> {
        let mut reached = Vec::new();
        let error = (500..600).contains(&status);
        self.external.note(!error);
        if !error {
            self.end(Run::Server);
            self.end(Run::Gateway);
            return reached;
        }
        if (502..=504).contains(&status) {
            self.count(Run::Gateway, config.consecutive_gateway, &mut reached);
        } else {
            self.end(Run::Gateway);
        }
        self.count(Run::Server, config.consecutive_5xx, &mut reached);
        reached
    }

    /// Notes a local success or failure and returns the run that it completes.
    pub(super) fn local(&self, success: bool, config: &OutlierConfig) -> Vec<Run> {
        let mut reached = Vec::new();
        self.local.note(success);
        if success {
            self.end(Run::Local);
        } else {
            self.count(Run::Local, config.consecutive_local, &mut reached);
        }
        reached
    }

    fn rate(&self, origin: Origin) -> &Rate {
        match origin {
            Origin::External => &self.external,
            Origin::Local => &self.local,
        }
    }

    /// Begins a new interval.
    pub(super) fn turn(&self) {
        self.external.turn();
        self.local.turn();
    }

    /// Success rate in percent and number of requests of the last interval; none without requests.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn last(&self, origin: Origin) -> Option<(f64, u64)> {
        let [success, total] = &self.rate(origin).before;
        let total = total.load(Ordering::Relaxed);
        (total > 0).then(|| (success.load(Ordering::Relaxed) as f64 * 100.0 / total as f64, total))
    }

    /// Keeps a success rate for `/clusters`.
    pub(super) fn show(&self, origin: Origin, rate: f64) {
        self.rate(origin).show(rate);
    }

    /// The last success rate in percent, -1 when there were too few requests.
    pub fn success_rate(&self, origin: Origin) -> f64 {
        f64::from_bits(self.rate(origin).shown.load(Ordering::Relaxed))
    }

    /// How often the host was ejected.
    pub fn ejections(&self) -> u32 {
        self.ejections.lock().count
    }

    /// Forgets everything: the rules changed.
    pub fn reset(&self) {
        self.end_all();
        self.turn();
        *self.ejections.lock() = Ejections::default();
    }
}

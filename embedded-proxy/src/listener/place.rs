//! How many connections there may be: of one listener, and of all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ListenerConfig;

/// Connections of one listener at the same time.
#[derive(Debug, Clone)]
pub(super) struct ListenerLimit {
    most: u64,
    there: Arc<AtomicU64>,
}

impl ListenerLimit {
    /// At most that many, or any number.
    pub fn new(most: Option<u64>) -> Self {
        Self { most: most.unwrap_or(u64::MAX), there: Arc::default() }
    }

    /// Counts on from where another configuration of the same listener is.
    pub fn keep(&mut self, old: &Self) {
        self.there = old.there.clone();
    }
}

/// Limit of all listeners together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GlobalLimit {
    /// Most connections; none for any number.
    pub most: Option<u64>,
    /// Whether it comes from the overload manager, which does not count connections of listeners that ignore the limit.
    pub overload_manager: bool,
}

/// Counts of all listeners.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Connections that are there.
    there: Arc<AtomicU64>,
    /// Those that the limit counts.
    limited: Arc<AtomicU64>,
    limit: std::sync::OnceLock<GlobalLimit>,
}

/// A connection's place; the counts go down when it is dropped.
pub(super) struct Place(Vec<Arc<AtomicU64>>);

impl Place {
    fn take(&mut self, count: &Arc<AtomicU64>, most: u64) -> bool {
        let add = |there| (there < most).then_some(there + 1);
        let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        if taken {
            self.0.push(count.clone());
        }
        taken
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Places {
    /// Says what the limit is; the first word counts.
    pub fn configure(&self, limit: GlobalLimit) {
        let _ = self.limit.set(limit);
    }

    /// Connections that are there.
    pub fn count(&self) -> u64 {
        self.there.load(Ordering::Relaxed)
    }

    /// A place for a new connection; none when all are taken, which is counted.
    pub fn take(&self, config: &ListenerConfig) -> Option<Place> {
        let mut place = Place(Vec::with_capacity(3));
        let limit = self.limit.get().copied().unwrap_or_default();
        let (most, counted) = if config.ignore_limit {
            (u64::MAX, !limit.overload_manager)
        } else {
            (limit.most.unwrap_or(u64::MAX), true)
        };
        if counted && !place.take(&self.limited, most) {
            config.stats.global_overflow.inc();
            return None;
        }
        if !place.take(&config.limit.there, config.limit.most) {
            config.stats.overflow.inc();
            return None;
        }
        place.take(&self.there, u64::MAX);
        Some(place)
    }
}

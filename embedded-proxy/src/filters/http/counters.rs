//! Stats whose names come up at run time: a stat lives as long as something holds it, so somebody has to.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::telemetry::stats::{Counter, Histogram};

/// Most counters that one filter keeps: names may come from clients.
const MOST: usize = 10_000;

/// Stats of one kind by a key of their filter's choice.
#[derive(Debug)]
struct Held<T>(Mutex<BTreeMap<String, Arc<T>>>);

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Held<T> {
    /// The stat of that key; `make` makes it the first time. None beyond the limit.
    fn get(&self, key: &str, make: impl FnOnce() -> Arc<T>) -> Option<Arc<T>> {
        let mut all = self.0.lock();
        if let Some(stat) = all.get(key) {
            return Some(stat.clone());
        }
        if all.len() >= MOST {
            return None;
        }
        let stat = make();
        all.insert(key.to_string(), stat.clone());
        Some(stat)
    }
}

/// Counters and histograms by key.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counters: Held<Counter>,
    histograms: Held<Histogram>,
}

impl Counters {
    /// Adds to the counter of that key.
    pub(super) fn add(&self, key: &str, count: u64, make: impl FnOnce() -> Arc<Counter>) {
        if let Some(counter) = self.counters.get(key, make) {
            counter.add(count);
        }
    }

    /// Notes a value in the histogram of that key.
    pub(super) fn record(&self, key: &str, value: f64, make: impl FnOnce() -> Arc<Histogram>) {
        if let Some(histogram) = self.histograms.get(key, make) {
            histogram.record(value);
        }
    }
}

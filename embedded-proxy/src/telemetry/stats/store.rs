//! The store of all stats of the process. A stat lives as long as something holds it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// `count` more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The count.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to zero (`/reset_counters`).
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to it; negative numbers subtract.
    pub fn add(&self, value: i64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    /// The value.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the buckets, as Envoy has them for Prometheus by default.
pub const BOUNDS: [f64; 20] = [
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10000.0,
    30000.0,
    60000.0,
    300000.0,
    600000.0,
    1800000.0,
    3600000.0,
    f64::INFINITY,
];

/// How values are distributed.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    /// Sum in thousandths.
    sum: AtomicU64,
}

impl Histogram {
    /// Notes a value.
    pub fn record(&self, value: f64) {
        let index = BOUNDS.partition_point(|bound| *bound < value).min(BOUNDS.len() - 1);
        self.buckets[index].fetch_add(1, Ordering::Relaxed);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        self.sum.fetch_add((value * 1000.0) as u64, Ordering::Relaxed);
    }

    /// Values in each bucket, not cumulated.
    pub fn buckets(&self) -> [u64; BOUNDS.len()] {
        std::array::from_fn(|index| self.buckets[index].load(Ordering::Relaxed))
    }

    /// Sum of all values.
    #[allow(clippy::cast_precision_loss)]
    pub fn sum(&self) -> f64 {
        self.sum.load(Ordering::Relaxed) as f64 / 1000.0
    }
}

/// A stat as a reader of the store sees it.
#[derive(Debug, Clone)]
pub enum Sample {
    /// A counter.
    Counter(Arc<Counter>),
    /// A gauge.
    Gauge(Arc<Gauge>),
    /// A histogram.
    Histogram(Arc<Histogram>),
}

#[derive(Debug)]
enum Held {
    Counter(Weak<Counter>),
    Gauge(Weak<Gauge>),
    Histogram(Weak<Histogram>),
}

#[derive(Debug)]
struct Entry {
    extracted: String,
    tags: Vec<(&'static str, String)>,
    held: Held,
}

/// All stats by full name. Clones share the store.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Mutex<BTreeMap<String, Entry>>>);

macro_rules! stat {
    ($method:ident, $kind:ident, $doc:literal) => {
        #[doc = $doc]
        pub fn $method(&self, name: &str, extracted: &str, tags: &[(&'static str, String)]) -> Arc<$kind> {
            let mut all = self.0.lock();
            if let Some(Entry { held: Held::$kind(weak), .. }) = all.get(name) {
                if let Some(stat) = weak.upgrade() {
                    return stat;
                }
            }
            let stat = Arc::new($kind::default());
            let held = Held::$kind(Arc::downgrade(&stat));
            all.insert(name.to_string(), Entry { extracted: extracted.to_string(), tags: tags.to_vec(), held });
            stat
        }
    };
}

impl Stats {
    stat!(counter, Counter, "The counter of that full name, made when it is new.");
    stat!(gauge, Gauge, "The gauge of that full name, made when it is new.");
    stat!(histogram, Histogram, "The histogram of that full name, made when it is new.");

    /// Calls `see` for each living stat in the order of names: full name, name without variable parts, tags, stat.
    /// Stats that nobody holds any more are forgotten.
    pub fn each(&self, mut see: impl FnMut(&str, &str, &[(&'static str, String)], Sample)) {
        let mut all = self.0.lock();
        all.retain(|_, entry| match &entry.held {
            Held::Counter(weak) => weak.strong_count() > 0,
            Held::Gauge(weak) => weak.strong_count() > 0,
            Held::Histogram(weak) => weak.strong_count() > 0,
        });
        for (name, entry) in all.iter() {
            let sample = match &entry.held {
                Held::Counter(weak) => weak.upgrade().map(Sample::Counter),
                Held::Gauge(weak) => weak.upgrade().map(Sample::Gauge),
                Held::Histogram(weak) => weak.upgrade().map(Sample::Histogram),
            };
            if let Some(sample) = sample {
                see(name, &entry.extracted, &entry.tags, sample);
            }
        }
    }
}

//! The store of all stats of the process. A stat lives as long as something holds it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::{Histogram, StatsConfig};

/// Tags by name, in the order in which they are printed.
pub type Tags = Arc<[(Cow<'static, str>, Arc<str>)]>;

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
pub struct Gauge {
    value: AtomicI64,
    used: AtomicBool,
}

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.value.store(value, Ordering::Relaxed);
        self.touch();
    }

    /// Adds to it; negative numbers subtract.
    pub fn add(&self, value: i64) {
        self.value.fetch_add(value, Ordering::Relaxed);
        self.touch();
    }

    /// The value.
    pub fn value(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }

    /// Whether it was ever set.
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        // Reading first keeps the cache line shared.
        if !self.is_used() {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

/// A gauge that is one higher as long as this lives.
#[derive(Debug)]
pub struct Raised(Arc<Gauge>);

impl Raised {
    /// Raises it.
    pub fn new(gauge: &Arc<Gauge>) -> Self {
        gauge.add(1);
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.add(-1);
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

/// A stat with its names.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Full name.
    pub name: Arc<str>,
    /// Name without the parts that are tags.
    pub extracted: Arc<str>,
    /// Tags.
    pub tags: Tags,
    /// The stat.
    pub sample: Sample,
}

#[derive(Debug)]
enum Held {
    Counter(Weak<Counter>),
    Gauge(Weak<Gauge>),
    Histogram(Weak<Histogram>),
}

impl Held {
    fn lives(&self) -> bool {
        match self {
            Self::Counter(weak) => weak.strong_count() > 0,
            Self::Gauge(weak) => weak.strong_count() > 0,
            Self::Histogram(weak) => weak.strong_count() > 0,
        }
    }

    fn sample(&self) -> Option<Sample> {
        match self {
            Self::Counter(weak) => weak.upgrade().map(Sample::Counter),
            Self::Gauge(weak) => weak.upgrade().map(Sample::Gauge),
            Self::Histogram(weak) => weak.upgrade().map(Sample::Histogram),
        }
    }
}

#[derive(Debug)]
struct Entry {
    extracted: Arc<str>,
    tags: Tags,
    held: Held,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Names without tags: clusters share them.
    names: BTreeSet<Arc<str>>,
    config: StatsConfig,
}

/// All stats by full name. Clones share the store. Only making and reading stats takes its lock, counting does not.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Mutex<Inner>>);

macro_rules! stat {
    ($method:ident, $kind:ident, $make:expr, $doc:literal) => {
        #[doc = $doc]
        pub fn $method(&self, name: &str, extracted: &str, tags: &Tags) -> Arc<$kind> {
            let mut inner = self.0.lock();
            if let Some(Entry { held: Held::$kind(weak), .. }) = inner.entries.get(name) {
                if let Some(stat) = weak.upgrade() {
                    return stat;
                }
            }
            let make: fn(&StatsConfig, &str) -> $kind = $make;
            let stat = Arc::new(make(&inner.config, name));
            inner.insert(name, extracted, tags, Held::$kind(Arc::downgrade(&stat)));
            stat
        }
    };
}

impl Stats {
    stat!(counter, Counter, |_, _| Counter::default(), "The counter of that full name, made when it is new.");
    stat!(gauge, Gauge, |_, _| Gauge::default(), "The gauge of that full name, made when it is new.");
    stat!(
        histogram,
        Histogram,
        |config, name| Histogram::new(config.bounds(name)),
        "The histogram of that full name, made when it is new."
    );

    /// Says how stats are tagged, which are kept and what buckets they have. Counts for stats made afterwards: call it
    /// before anything is built.
    pub fn configure(&self, config: StatsConfig) {
        self.0.lock().config = config;
    }

    /// All living stats in the order of their names. Those that nobody holds any more are forgotten.
    pub fn all(&self) -> Vec<Seen> {
        let mut inner = self.0.lock();
        inner.entries.retain(|_, entry| entry.held.lives());
        let seen = |(name, entry): (&Arc<str>, &Entry)| {
            let sample = entry.held.sample()?;
            let (extracted, tags) = (entry.extracted.clone(), entry.tags.clone());
            Some(Seen { name: name.clone(), extracted, tags, sample })
        };
        inner.entries.iter().filter_map(seen).collect()
    }

    /// Sets all counters back to zero.
    pub fn reset_counters(&self) {
        for seen in self.all() {
            if let Sample::Counter(counter) = seen.sample {
                counter.reset();
            }
        }
    }
}

impl Inner {
    /// Keeps a new stat, unless the configuration rejects it: then it counts for nobody.
    fn insert(&mut self, name: &str, extracted: &str, tags: &Tags, held: Held) {
        if !self.config.keeps(name) {
            return;
        }
        let (extracted, tags) = self.config.tagged(name, extracted, tags);
        let extracted = match self.names.get(extracted.as_ref()) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = extracted.into();
                self.names.insert(new.clone());
                new
            }
        };
        self.entries.insert(name.into(), Entry { extracted, tags, held });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Scope;

    #[test]
    fn a_stat_is_shared_by_name_and_forgotten_with_its_holder() {
        let stats = Stats::default();
        let scope = Scope::root(&stats).tagged("cluster", "envoy_cluster_name", "a:b");
        let counter = scope.counter("upstream_rq_total");
        scope.counter("upstream_rq_total").inc();
        assert_eq!(counter.value(), 1);
        let seen = stats.all();
        assert_eq!(&*seen[0].name, "cluster.a_b.upstream_rq_total");
        assert_eq!(&*seen[0].extracted, "cluster.upstream_rq_total");
        assert_eq!(&*seen[0].tags[0].1, "a:b");
        drop((counter, seen));
        assert!(stats.all().is_empty());
    }

    #[test]
    fn counters_are_reset_and_gauges_are_not() {
        let stats = Stats::default();
        let scope = Scope::root(&stats);
        let (counter, gauge) = (scope.counter("c"), scope.gauge("g"));
        counter.add(3);
        gauge.set(3);
        stats.reset_counters();
        assert_eq!((counter.value(), gauge.value()), (0, 3));
    }
}

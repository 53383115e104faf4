//! What a reader of stats asks for.

use regex::Regex;

use super::{Sample, Seen, Stats};

/// How histograms are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Buckets {
    /// Quantiles.
    #[default]
    Summary,
    /// Counts up to each bound.
    Cumulative,
    /// Counts between bounds.
    Disjoint,
    /// Counts and quantiles.
    Detailed,
}

/// Which stats, and how.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only names in which this is found.
    pub filter: Option<Regex>,
    /// Only stats that were written.
    pub used_only: bool,
    /// Only this kind: `Counters`, `Gauges`, `Histograms`.
    pub kind: Option<Kind>,
    /// How histograms are told, when it is said: texts have quantiles otherwise, Prometheus has buckets.
    pub buckets: Option<Buckets>,
}

/// A kind of stat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Counters.
    Counters,
    /// Gauges.
    Gauges,
    /// Histograms.
    Histograms,
}

impl Query {
    /// The stats asked for, in the order of their names.
    pub fn select(&self, stats: &Stats) -> Vec<Seen> {
        let mut all = stats.all();
        all.retain(|seen| self.wants(seen));
        all
    }

    fn wants(&self, seen: &Seen) -> bool {
        let (kind, used) = match &seen.sample {
            Sample::Counter(counter) => (Kind::Counters, counter.value() > 0),
            Sample::Gauge(gauge) => (Kind::Gauges, gauge.is_used()),
            Sample::Histogram(histogram) => (Kind::Histograms, histogram.count() > 0),
        };
        (used || !self.used_only)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.filter.as_ref().is_none_or(|filter| filter.is_match(&seen.name))
    }
}

//! A prefix of stat names, with the tags that Prometheus gets instead of the variable parts.

use std::sync::Arc;

use super::{Counter, Gauge, Histogram, Stats};

/// Where the stats of one listener, cluster or filter hang.
#[derive(Debug, Clone)]
pub struct Scope {
    stats: Stats,
    /// Dotted prefix with a dot at its end: `cluster.reviews.`
    prefix: String,
    /// The same without variable parts: `cluster.`
    extracted: String,
    tags: Vec<(&'static str, String)>,
}

impl Scope {
    /// The root of all names.
    pub fn root(stats: &Stats) -> Self {
        Self { stats: stats.clone(), prefix: String::new(), extracted: String::new(), tags: Vec::new() }
    }

    /// A fixed part: `sub("rbac")` makes names `rbac.X`.
    pub fn sub(&self, part: &str) -> Self {
        let mut scope = self.clone();
        scope.prefix.push_str(part);
        scope.prefix.push('.');
        scope.extracted.push_str(part);
        scope.extracted.push('.');
        scope
    }

    /// A fixed part and a variable one, with the tag that carries it: `tagged("cluster", "envoy_cluster_name", "reviews")`.
    pub fn tagged(&self, part: &str, tag: &'static str, value: &str) -> Self {
        let mut scope = self.sub(part);
        scope.prefix.push_str(value);
        scope.prefix.push('.');
        scope.tags.push((tag, value.to_string()));
        scope
    }

    /// The store behind.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The counter of that name.
    pub fn counter(&self, name: &str) -> Arc<Counter> {
        self.stats.counter(&format!("{}{name}", self.prefix), &format!("{}{name}", self.extracted), &self.tags)
    }

    /// The gauge of that name.
    pub fn gauge(&self, name: &str) -> Arc<Gauge> {
        self.stats.gauge(&format!("{}{name}", self.prefix), &format!("{}{name}", self.extracted), &self.tags)
    }

    /// The histogram of that name (milliseconds unless the name says otherwise).
    pub fn histogram(&self, name: &str) -> Arc<Histogram> {
        self.stats.histogram(&format!("{}{name}", self.prefix), &format!("{}{name}", self.extracted), &self.tags)
    }

    /// A counter whose last part varies: `counter_tagged("upstream_rq_", "envoy_response_code", "200")` is named
    /// `upstream_rq_200`, and `upstream_rq` with a tag for Prometheus.
    pub fn counter_tagged(&self, name: &str, tag: &'static str, value: &str) -> Arc<Counter> {
        let mut tags = self.tags.clone();
        tags.push((tag, value.to_string()));
        let extracted = name.trim_end_matches('_');
        self.stats.counter(&format!("{}{name}{value}", self.prefix), &format!("{}{extracted}", self.extracted), &tags)
    }
}

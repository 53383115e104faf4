//! A prefix of stat names, with the tags that Prometheus gets instead of the variable parts.

use std::sync::Arc;

use super::{Counter, Gauge, Histogram, Stats, Tags};

/// Where the stats of one listener, cluster or filter hang.
#[derive(Debug, Clone)]
pub struct Scope {
    stats: Stats,
    /// Dotted prefix with a dot at its end: `cluster.reviews.`
    prefix: String,
    /// The same without variable parts: `cluster.`
    extracted: String,
    tags: Tags,
}

/// A variable part as it stands in names: colons become underscores, as Envoy has it.
fn sanitized(part: &str) -> String {
    part.replace("://", "_").replace(":/", "_").replace([':', '\0'], "_")
}

impl Scope {
    /// The root of all names.
    pub fn root(stats: &Stats) -> Self {
        Self { stats: stats.clone(), prefix: String::new(), extracted: String::new(), tags: Tags::default() }
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
        scope.prefix.push_str(&sanitized(value));
        scope.prefix.push('.');
        scope.tags = self.with(tag, value);
        scope
    }

    /// A variable part alone, with the tag that carries it: `variable("envoy_local_http_ratelimit_prefix", "here")`.
    pub fn variable(&self, tag: &'static str, value: &str) -> Self {
        let mut scope = self.clone();
        scope.prefix.push_str(&sanitized(value));
        scope.prefix.push('.');
        scope.tags = self.with(tag, value);
        scope
    }

    fn with(&self, tag: &'static str, value: &str) -> Tags {
        self.tags.iter().cloned().chain([(tag.into(), value.into())]).collect()
    }

    /// The store behind.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn names(&self, name: &str) -> (String, String) {
        (format!("{}{name}", self.prefix), format!("{}{name}", self.extracted))
    }

    /// The counter of that name.
    pub fn counter(&self, name: &str) -> Arc<Counter> {
        let (full, extracted) = self.names(name);
        self.stats.counter(&full, &extracted, &self.tags)
    }

    /// The gauge of that name.
    pub fn gauge(&self, name: &str) -> Arc<Gauge> {
        let (full, extracted) = self.names(name);
        self.stats.gauge(&full, &extracted, &self.tags)
    }

    /// The histogram of that name (milliseconds unless the name says otherwise).
    pub fn histogram(&self, name: &str) -> Arc<Histogram> {
        let (full, extracted) = self.names(name);
        self.stats.histogram(&full, &extracted, &self.tags)
    }

    /// A counter whose last part varies: `counter_tagged("upstream_rq_", "envoy_response_code", "200")` is named
    /// `upstream_rq_200`, and `upstream_rq` with a tag for Prometheus.
    pub fn counter_tagged(&self, name: &str, tag: &'static str, value: &str) -> Arc<Counter> {
        if let Some(class) = value.strip_suffix("xx").filter(|_| tag == "envoy_response_code_class") {
            return self.counter_class(name, class);
        }
        let full = format!("{}{name}{}", self.prefix, sanitized(value));
        let extracted = format!("{}{}", self.extracted, name.trim_end_matches(['_', '.']));
        self.stats.counter(&full, &extracted, &self.with(tag, value))
    }

    /// A counter of a class of response codes: `class("upstream_rq_", "2")` is named `upstream_rq_2xx`, and
    /// `upstream_rq_xx` with the tag `envoy_response_code_class` for Prometheus.
    pub fn counter_class(&self, name: &str, class: &str) -> Arc<Counter> {
        let (full, extracted) = (format!("{}{name}{class}xx", self.prefix), format!("{}{name}xx", self.extracted));
        self.stats.counter(&full, &extracted, &self.with("envoy_response_code_class", class))
    }
}

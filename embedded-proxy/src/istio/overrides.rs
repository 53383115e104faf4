//! How a configuration changes the standard metrics: labels removed, replaced and added, metrics dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher as _};

use twox_hash::XxHash64;

use super::expression::Expression;
use super::metrics::Label;
use crate::proto::Reader;
use crate::stream::Exchange;

/// The metrics that exist.
pub const METRICS: [&str; 10] = [
    "request_bytes",
    "request_duration_milliseconds",
    "request_messages_total",
    "requests_total",
    "response_bytes",
    "response_messages_total",
    "tcp_connections_closed_total",
    "tcp_connections_opened_total",
    "tcp_received_bytes_total",
    "tcp_sent_bytes_total",
];

/// Changes of one metric.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Change {
    dropped: bool,
    removed: BTreeSet<String>,
    /// Label and its value; it replaces the standard one of its name.
    dimensions: BTreeMap<String, Expression>,
}

/// Changes by metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    changes: BTreeMap<&'static str, Change>,
    fingerprint: u64,
}

impl Overrides {
    /// Reads `metrics` of `stats.PluginConfig`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut changes: BTreeMap<&'static str, Change> = BTreeMap::new();
        let mut good = true;
        for metric in reader.list("metrics") {
            metric.ignore(&["match"]); // Istio's proxy does not read it either.
            let name = metric.text("name");
            let named: Vec<&'static str> = METRICS.into_iter().filter(|own| name.is_empty() || *own == name).collect();
            if named.is_empty() {
                metric.defect("name", format!("there is no metric {name:?}"));
            }
            let (dropped, removed) = (metric.flag("drop"), metric.texts("tags_to_remove"));
            let mut dimensions = BTreeMap::new();
            for (label, text) in metric.text_map("dimensions") {
                match Expression::new(&text) {
                    Ok(expression) => {
                        dimensions.insert(label, expression);
                    }
                    Err(error) => {
                        metric.defect("dimensions", format!("{label}: {error}"));
                        good = false;
                    }
                }
            }
            for own in named {
                let change = changes.entry(own).or_default();
                change.dropped |= dropped;
                change.removed.extend(removed.iter().cloned());
                change.dimensions.extend(dimensions.clone());
            }
        }
        let mut hash = XxHash64::default();
        changes.hash(&mut hash);
        good.then(|| Self { changes, fingerprint: hash.finish() })
    }

    /// Tells configurations apart.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether a metric is not reported.
    pub fn drops(&self, metric: &str) -> bool {
        self.changes.get(metric).is_some_and(|change| change.dropped)
    }

    /// Whether a metric has a label, which is marked `metric|label` when it was made for that metric.
    pub fn keeps(&self, metric: &str, label: &str) -> bool {
        match label.split_once('|') {
            Some((own, _)) => own == metric,
            None => self
                .changes
                .get(metric)
                .is_none_or(|change| !change.removed.contains(label) && !change.dimensions.contains_key(label)),
        }
    }

    /// The labels that the configuration adds or replaces, marked with their metric.
    pub fn more<'l>(&'l self, exchange: &'l Exchange) -> impl Iterator<Item = Label<'l>> {
        self.changes.iter().filter(|(_, change)| !change.dropped).flat_map(move |(metric, change)| {
            let kept = change.dimensions.iter().filter(|(label, _)| !change.removed.contains(*label));
            kept.map(move |(label, value)| (format!("{metric}|{label}").into(), value.text(exchange)))
        })
    }
}

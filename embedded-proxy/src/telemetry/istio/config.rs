//! `stats.PluginConfig`: which metrics there are, with which labels.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::dimension::Dimension;
use super::labels::{Facts, Labels, NAMES, PEERS, Reporter};
use super::series::{Series, Table};
use crate::cluster::Metadata;
use crate::istio::{Peers, Workload};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::telemetry::format::FormatContext;
use crate::telemetry::stats::{Gauge, Scope, Stats, Tags};

/// Series that are not written for so long are forgotten, unless the configuration says another time.
const IDLE: Duration = Duration::from_hours(1);

/// Names of the metrics, without `istio_`.
const METRICS: [&str; 10] = [
    "requests_total",
    "request_duration_milliseconds",
    "request_bytes",
    "response_bytes",
    "request_messages_total",
    "response_messages_total",
    "tcp_connections_opened_total",
    "tcp_connections_closed_total",
    "tcp_sent_bytes_total",
    "tcp_received_bytes_total",
];

/// What is changed about one metric.
#[derive(Debug, Clone, Default)]
struct Changes {
    dropped: bool,
    removed: BTreeSet<String>,
    /// Labels with other values, and further ones: the index of the dimension.
    set: BTreeMap<String, usize>,
}

/// Records exchanges and connections as Istio's metrics.
#[derive(Debug)]
pub struct Recorder {
    stats: Stats,
    services: Weak<Services>,
    own: Workload,
    gateway: bool,
    no_host_fallback: bool,
    changes: [Changes; METRICS.len()],
    dimensions: Vec<Dimension>,
    table: Table,
    /// `istio_build`: which version this is.
    _build: Arc<Gauge>,
}

impl Recorder {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Arc<Self>> {
        // Of the older extension: how it spelled names and how many peers it remembered. `tcp_reporting_duration`: bytes
        // of a connection are added when it ends. `graceful_deletion_interval`: nothing here is deleted in use.
        reader.ignore(&["debug", "max_peer_cache_size", "stat_prefix", "field_separator", "value_separator"]);
        reader.ignore(&["tcp_reporting_duration", "graceful_deletion_interval"]);
        if !reader.list("definitions").iter().map(Reader::ignore_all).collect::<Vec<()>>().is_empty() {
            reader.defect("definitions", "the proxy does not have metrics that a configuration defines");
            return None;
        }
        let services = &build.services;
        let mut changes: [Changes; METRICS.len()] = Default::default();
        let mut dimensions = Vec::new();
        for metric in reader.list("metrics") {
            change(&metric, &mut changes, &mut dimensions, services)?;
        }
        let scope = Scope::root(&services.stats);
        let idle = reader.duration("rotation_interval").filter(|idle| !idle.is_zero()).unwrap_or(IDLE);
        let version = services.node.metadata.get("ISTIO_VERSION").and_then(|version| version.as_str());
        let recorder = Arc::new(Self {
            stats: services.stats.clone(),
            services: Arc::downgrade(services),
            own: Workload::of_metadata(&services.node.metadata, &[]),
            gateway: reader.word("reporter") == "SERVER_GATEWAY",
            no_host_fallback: reader.flag("disable_host_header_fallback"),
            changes,
            dimensions,
            table: Table::new(services.workers.count(), scope.counter("istio_stats.series_overflow")),
            _build: istio_build(&services.stats, version.unwrap_or("unknown")),
        });
        services.main.spawn(sweep(Arc::downgrade(&recorder), idle));
        Some(recorder)
    }

    /// The series of an exchange or a connection. None: there are too many.
    pub fn series(&self, context: &FormatContext<'_>, peers: Option<&Peers>) -> Option<Arc<Series>> {
        let reporter = if self.gateway { Reporter::Waypoint } else { Reporter::of(context.connection.direction) };
        let cluster = self.cluster_metadata(context);
        let facts = Facts {
            reporter,
            context,
            own: &self.own,
            peers,
            cluster: cluster.as_deref(),
            no_host_fallback: self.no_host_fallback,
        };
        let labels = facts.labels();
        let more: Vec<String> = self.dimensions.iter().map(|dimension| dimension.value(context, peers)).collect();
        let key: Vec<Cow<'_, str>> =
            labels.iter().map(|label| Cow::Borrowed(label.as_ref())).chain(more.iter().map(Into::into)).collect();
        self.table.find(&key, || self.make(&labels, &more))
    }

    fn cluster_metadata(&self, context: &FormatContext<'_>) -> Option<Arc<Metadata>> {
        if let Some(metadata) = &context.info.cluster_metadata {
            return Some(metadata.clone());
        }
        let name = context.info.upstream.cluster.as_deref()?;
        let cluster = self.services.upgrade()?.clusters.get(name)?;
        Some(cluster.settings.metadata.clone())
    }

    /// The metrics for new labels.
    fn make(&self, labels: &Labels<'_>, more: &[String]) -> Series {
        let protocol = labels[PEERS].as_ref();
        let counter = |metric: usize, count: usize| {
            self.names(metric, &labels[..count], more)
                .map(|(name, tags)| self.stats.counter(&name, &format!("istiocustom.istio_{}", METRICS[metric]), &tags))
        };
        let histogram = |metric: usize| {
            self.names(metric, labels, more).map(|(name, tags)| {
                self.stats.histogram(&name, &format!("istiocustom.istio_{}", METRICS[metric]), &tags)
            })
        };
        if protocol == "tcp" {
            // Everything but what only responses have.
            let tcp = |metric: usize| {
                let kept: Vec<Cow<'_, str>> = labels.to_vec();
                self.names_without(metric, &kept, more, &["response_code", "grpc_response_status"]).map(
                    |(name, tags)| self.stats.counter(&name, &format!("istiocustom.istio_{}", METRICS[metric]), &tags),
                )
            };
            return Series { opened: tcp(6), closed: tcp(7), sent: tcp(8), received: tcp(9), ..Series::default() };
        }
        let messages = protocol == "grpc";
        Series {
            requests: counter(0, NAMES.len()),
            duration: histogram(1),
            request_bytes: histogram(2),
            response_bytes: histogram(3),
            request_messages: messages.then(|| counter(4, PEERS)).flatten(),
            response_messages: messages.then(|| counter(5, PEERS)).flatten(),
            ..Series::default()
        }
    }

    fn names(&self, metric: usize, labels: &[Cow<'_, str>], more: &[String]) -> Option<(String, Tags)> {
        self.names_without(metric, labels, more, &[])
    }

    /// Full name and tags of a metric; none when it is dropped.
    fn names_without(
        &self,
        metric: usize,
        labels: &[Cow<'_, str>],
        more: &[String],
        without: &[&str],
    ) -> Option<(String, Tags)> {
        let changes = &self.changes[metric];
        if changes.dropped {
            return None;
        }
        let mut set = changes.set.clone();
        let mut tags: Vec<(Cow<'static, str>, Arc<str>)> = Vec::with_capacity(labels.len() + more.len());
        for (name, value) in NAMES.into_iter().zip(labels) {
            if without.contains(&name) || changes.removed.contains(name) {
                set.remove(name);
                continue;
            }
            let other = set.remove(name).and_then(|index| more.get(index)).map(String::as_str);
            tags.push((name.into(), other.unwrap_or(value).into()));
        }
        // What is left names labels that are not standard; standard ones that this metric lacks stay away.
        for (name, index) in set {
            if let Some(value) = more.get(index).filter(|_| !NAMES.contains(&name.as_str())) {
                tags.push((name.into(), value.as_str().into()));
            }
        }
        let mut full = format!("istiocustom.istio_{}", METRICS[metric]);
        for (name, value) in &tags {
            full.push_str(&format!(".{name}.{value}"));
        }
        Some((full, tags.into()))
    }
}

/// Reads one `MetricConfig`. None: a defect was noted.
fn change(
    reader: &Reader<'_>,
    changes: &mut [Changes; METRICS.len()],
    dimensions: &mut Vec<Dimension>,
    services: &Services,
) -> Option<()> {
    // Istio's own extension does not evaluate it either.
    reader.ignore(&["match"]);
    let name = reader.text("name");
    let which: Vec<usize> = (0..METRICS.len()).filter(|index| name.is_empty() || METRICS[*index] == name).collect();
    if which.is_empty() {
        reader.defect("name", format!("{name:?} is none of Istio's metrics"));
        return None;
    }
    let dropped = reader.flag("drop");
    let removed = reader.texts("tags_to_remove");
    let set = reader.text_map("dimensions");
    // A metric is dropped by name only.
    for index in which.iter().filter(|_| dropped && !name.is_empty()) {
        changes[*index].dropped = true;
    }
    for index in &which {
        changes[*index].removed.extend(removed.iter().cloned());
    }
    for (label, expression) in set {
        let dimension = match Dimension::parse(&expression, &services.node) {
            Ok(dimension) => dimension,
            Err(error) => {
                reader.defect(&format!("dimensions[{label:?}]"), error);
                return None;
            }
        };
        for index in &which {
            changes[*index].set.insert(label.clone(), dimensions.len());
            changes[*index].removed.remove(&label);
        }
        dimensions.push(dimension);
    }
    Some(())
}

fn istio_build(stats: &Stats, version: &str) -> Arc<Gauge> {
    let tags: Tags = [("component".into(), "proxy".into()), ("tag".into(), version.into())].into();
    let name = format!("istiocustom.istio_build.component.proxy.tag.{version}");
    let gauge = stats.gauge(&name, "istiocustom.istio_build", &tags);
    gauge.set(1);
    gauge
}

/// Forgets idle series as long as the recorder lives.
async fn sweep(recorder: Weak<Recorder>, idle: Duration) {
    let step = (idle / 4).max(Duration::from_secs(1));
    loop {
        tokio::time::sleep(step).await;
        let Some(recorder) = recorder.upgrade() else { return };
        recorder.table.forget(idle);
    }
}

//! Endpoints from the control plane.

use std::sync::{Arc, Weak};

use tokio::time::{Instant, sleep_until};

use crate::cluster::{Cluster, LoadAssignment};
use crate::proto::Reader;
use crate::services::Services;
use crate::xds::{ConfigSource, Watched};

/// Under which name endpoints are asked for, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct EdsConfig {
    /// Name of the load assignment: `service_name`, or the cluster's.
    pub service: String,
    /// Where it comes from.
    pub source: ConfigSource,
}

impl EdsConfig {
    /// Reads `eds_cluster_config` of a cluster.
    pub fn read(cluster: &Reader<'_>) -> Option<Self> {
        let eds = cluster.need("eds_cluster_config")?;
        let source = ConfigSource::read(&eds.need("eds_config")?)?;
        // The lookup family means nothing without lookups.
        cluster.ignore(&["dns_lookup_family"]);
        let service = eds.opt_text("service_name").unwrap_or_else(|| cluster.text("name"));
        if service.starts_with("xdstp:") {
            eds.defect("service_name", "the proxy does not have xdstp names");
            return None;
        }
        Some(Self { service, source })
    }
}

/// Subscribes and follows what comes. What is there already is used at once.
pub fn start(cluster: &Arc<Cluster>, config: &EdsConfig, services: &Services) {
    let mut watched = services.endpoints.watch_from(&config.source, &config.service);
    let first = watched.borrow_and_update().clone();
    let mut stale = None;
    if let Some(assignment) = first {
        stale = follow(cluster, &assignment);
    }
    let patience = config.source.initial_fetch_timeout;
    let patience = (!patience.is_zero()).then(|| Instant::now() + patience);
    let weak = Arc::downgrade(cluster);
    cluster.keep(services.main.spawn(run(weak, watched, patience, stale)));
}

/// Takes an assignment over and returns when it will be stale.
fn follow(cluster: &Arc<Cluster>, assignment: &LoadAssignment) -> Option<Instant> {
    cluster.stats.update_attempt.inc();
    cluster.stats.update_success.inc();
    if !cluster.assign(assignment) {
        cluster.stats.update_no_rebuild.inc();
    }
    cluster.found();
    if assignment.stale_after.is_some() {
        cluster.stats.assignment_timeout_received.inc();
    }
    assignment.stale_after.map(|after| Instant::now() + after)
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn run(
    cluster: Weak<Cluster>,
    mut watched: Watched<LoadAssignment>,
    mut patience: Option<Instant>,
    mut stale: Option<Instant>,
) {
    loop {
        tokio::select! {
            changed = watched.changed() => {
                let Some(cluster) = cluster.upgrade() else { return };
                if changed.is_err() {
                    return;
                }
                let assignment = watched.borrow_and_update().clone();
                match assignment {
                    Some(assignment) => stale = follow(&cluster, &assignment),
                    // Withdrawn: the hosts stay, as in Envoy.
                    None => cluster.stats.update_empty.inc(),
                }
            }
            () = at(patience) => {
                patience = None;
                let Some(cluster) = cluster.upgrade() else { return };
                cluster.found();
            }
            () = at(stale) => {
                stale = None;
                let Some(cluster) = cluster.upgrade() else { return };
                cluster.stats.assignment_stale.inc();
                cluster.assign(&LoadAssignment::default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;
    use crate::cluster::testing::{apply, build};
    use crate::cluster::{Endpoint, LocalityEndpoints};

    fn eds(extra: &Value) -> Value {
        let mut cluster = json!({"name": "c", "type": "EDS",
            "eds_cluster_config": {"service_name": "svc", "eds_config": {"ads": {}, "initial_fetch_timeout": "15s"}}});
        for (key, value) in extra.as_object().unwrap() {
            cluster[key] = value.clone();
        }
        cluster
    }

    fn one(address: &str) -> LoadAssignment {
        let endpoints = vec![Endpoint::at(address.parse::<std::net::SocketAddr>().unwrap())];
        LoadAssignment {
            localities: vec![LocalityEndpoints { endpoints, ..LocalityEndpoints::default() }],
            ..LoadAssignment::default()
        }
    }

    async fn settle() {
        for _ in 0..8 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_is_used_once_its_endpoints_came() {
        let build = build();
        let cluster = apply(&eds(&json!({})), &build);
        settle().await;
        assert!(build.services.clusters.get("c").is_none(), "it warms");
        assert_eq!(build.services.clusters.warming().len(), 1);
        build.services.endpoints.publish("svc", Some(Arc::new(one("10.0.0.1:80"))));
        settle().await;
        assert!(Arc::ptr_eq(&build.services.clusters.get("c").unwrap(), &cluster));
        assert_eq!(cluster.hosts().len(), 1);
        build.services.endpoints.publish("svc", None);
        settle().await;
        assert_eq!((cluster.hosts().len(), cluster.stats.update_empty.value()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let build = build();
        apply(&eds(&json!({})), &build);
        settle().await;
        advance(Duration::from_secs(14)).await;
        settle().await;
        assert!(build.services.clusters.get("c").is_none());
        advance(Duration::from_secs(2)).await;
        settle().await;
        assert!(build.services.clusters.get("c").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_replacement_serves_at_once_when_its_endpoints_are_known_and_keeps_hosts() {
        let build = build();
        let first = apply(&eds(&json!({})), &build);
        build.services.endpoints.publish("svc", Some(Arc::new(one("10.0.0.1:80"))));
        settle().await;
        let second = apply(&eds(&json!({"alt_stat_name": "x"})), &build);
        assert!(Arc::ptr_eq(&build.services.clusters.get("c").unwrap(), &second));
        assert!(Arc::ptr_eq(&first.hosts()[0], &second.hosts()[0]));
    }

    #[tokio::test(start_paused = true)]
    async fn stale_endpoints_are_dropped() {
        let build = build();
        let cluster = apply(&eds(&json!({})), &build);
        let stale_after = Some(Duration::from_secs(3));
        build.services.endpoints.publish("svc", Some(Arc::new(LoadAssignment { stale_after, ..one("10.0.0.1:80") })));
        settle().await;
        assert_eq!(cluster.hosts().len(), 1);
        advance(Duration::from_secs(4)).await;
        settle().await;
        assert_eq!((cluster.hosts().len(), cluster.stats.assignment_stale.value()), (0, 1));
    }
}

//! The table of all clusters: how they are added, replaced and removed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::discovery::{DnsServers, Lookup, SystemLookup};
use super::{Cluster, ClusterConfig, Host};
use crate::services::Build;
use crate::telemetry::stats::{Counter, Gauge, Scope};

type Table = HashMap<Arc<str>, Arc<Cluster>>;

/// All clusters by name.
#[derive(Debug, Default)]
pub struct Clusters {
    active: ArcSwap<Table>,
    /// Clusters that wait for their first hosts; an active one of the same name serves meanwhile.
    warming: Mutex<BTreeMap<Arc<str>, Arc<Cluster>>>,
    stats: OnceLock<ManagerStats>,
    /// Lookups of names, by the servers they ask.
    lookups: Mutex<Vec<(DnsServers, Arc<dyn Lookup>)>>,
}

#[derive(Debug)]
struct ManagerStats {
    added: Arc<Counter>,
    modified: Arc<Counter>,
    removed: Arc<Counter>,
    updated: Arc<Counter>,
    active: Arc<Gauge>,
    warming: Arc<Gauge>,
}

impl ManagerStats {
    fn new(scope: &Scope) -> Self {
        Self {
            added: scope.counter("cluster_added"),
            modified: scope.counter("cluster_modified"),
            removed: scope.counter("cluster_removed"),
            updated: scope.counter("cluster_updated"),
            active: scope.gauge("active_clusters"),
            warming: scope.gauge("warming_clusters"),
        }
    }
}

impl Clusters {
    /// The cluster of that name, when it is ready for traffic.
    pub fn get(&self, name: &str) -> Option<Arc<Cluster>> {
        self.active.load().get(name).cloned()
    }

    /// Whether there is a cluster of that name, ready or not.
    pub fn knows(&self, name: &str) -> bool {
        self.active.load().contains_key(name) || self.warming.lock().contains_key(name)
    }

    /// All clusters that are ready, sorted by name.
    pub fn all(&self) -> Vec<Arc<Cluster>> {
        let mut all: Vec<Arc<Cluster>> = self.active.load().values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Clusters that wait for their first hosts, sorted by name.
    pub fn warming(&self) -> Vec<Arc<Cluster>> {
        self.warming.lock().values().cloned().collect()
    }

    /// Adds a cluster or replaces the one of its name. What stays of it (hosts with their pools, health and counts) is
    /// kept. A configuration that is in use already changes nothing. The cluster is used once it is ready; wait for that
    /// with [`Cluster::ready`].
    pub fn apply(&self, config: ClusterConfig, build: &Build) -> Arc<Cluster> {
        let stats = self.stats.get_or_init(|| ManagerStats::new(&manager_scope(build)));
        let fingerprint = config.settings.fingerprint;
        let same = |cluster: &Arc<Cluster>| cluster.settings.fingerprint == fingerprint;
        let old = self.get(&config.name);
        if let Some(warming) = self.warming.lock().get(&config.name).filter(|cluster| same(cluster)) {
            return warming.clone();
        }
        if let Some(old) = old.as_ref().filter(|cluster| same(cluster)) {
            self.warming.lock().remove(&config.name);
            self.show(stats);
            return old.clone();
        }
        if old.is_some() {
            stats.modified.inc();
        } else {
            stats.added.inc();
        }
        let cluster = Cluster::start(config, old.as_deref(), build);
        if cluster.is_ready() {
            self.warming.lock().remove(&cluster.name);
            self.activate(&cluster);
        } else {
            self.warming.lock().insert(cluster.name.clone(), cluster.clone());
            let (services, warming) = (build.services.clone(), cluster.clone());
            build.services.main.spawn(async move { services.clusters.activate_when_ready(warming).await });
        }
        self.show(stats);
        cluster
    }

    /// What looks names up over these servers; one for all clusters that ask the same ones.
    pub(super) fn lookup(&self, servers: &DnsServers) -> Arc<dyn Lookup> {
        let mut lookups = self.lookups.lock();
        if let Some((_, lookup)) = lookups.iter().find(|(known, _)| known == servers) {
            return lookup.clone();
        }
        let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup::new(servers));
        lookups.push((servers.clone(), lookup.clone()));
        lookup
    }

    /// Looks names up in another way than over the servers of the system.
    pub fn set_lookup(&self, lookup: Arc<dyn Lookup>) {
        self.lookups.lock().insert(0, (DnsServers::default(), lookup));
    }

    async fn activate_when_ready(&self, cluster: Arc<Cluster>) {
        cluster.ready().await;
        let mut warming = self.warming.lock();
        // A later configuration may have taken its place, or it was removed.
        if warming.get(&cluster.name).is_some_and(|current| Arc::ptr_eq(current, &cluster)) {
            warming.remove(&cluster.name);
            drop(warming);
            self.activate(&cluster);
            if let Some(stats) = self.stats.get() {
                self.show(stats);
            }
        }
    }

    fn activate(&self, cluster: &Arc<Cluster>) {
        if let Some(old) = self.change(|table| table.insert(cluster.name.clone(), cluster.clone())) {
            old.stop();
            let hosts = cluster.hosts();
            let kept: BTreeSet<*const Host> = hosts.iter().map(Arc::as_ptr).collect();
            let gone = |host: &Arc<Host>| !kept.contains(&Arc::as_ptr(host));
            let gone: Vec<Arc<Host>> = old.hosts().into_iter().filter(gone).collect();
            old.retire(&gone);
        }
    }

    /// Removes a cluster, ready or not. Requests on their way to it finish. False: there is none of that name.
    pub fn remove(&self, name: &str) -> bool {
        let warming = self.warming.lock().remove(name);
        let active = self.change(|table| table.remove(name));
        let known = warming.is_some() || active.is_some();
        for cluster in warming.into_iter().chain(active) {
            cluster.stop();
            cluster.retire(&cluster.hosts());
        }
        if let Some(stats) = self.stats.get() {
            if known {
                stats.removed.inc();
            }
            self.show(stats);
        }
        known
    }

    /// Changes the table by a copy. Changes are rare and come one after the other under the lock of the warming ones.
    fn change(&self, change: impl Fn(&mut Table) -> Option<Arc<Cluster>>) -> Option<Arc<Cluster>> {
        let _one_at_a_time = self.warming.lock();
        let mut table = Table::clone(&self.active.load());
        let before = change(&mut table);
        self.active.store(Arc::new(table));
        if let Some(stats) = self.stats.get() {
            stats.updated.inc();
        }
        before
    }

    fn show(&self, stats: &ManagerStats) {
        stats.active.set(i64::try_from(self.active.load().len()).unwrap_or(i64::MAX));
        stats.warming.set(i64::try_from(self.warming.lock().len()).unwrap_or(i64::MAX));
    }
}

fn manager_scope(build: &Build) -> Scope {
    Scope::root(&build.services.stats).sub("cluster_manager")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};

    #[tokio::test]
    async fn an_update_keeps_hosts_and_an_equal_one_changes_nothing() {
        let build = build();
        let clusters = &build.services.clusters;
        let first = apply(&json!({"name": "c", "load_assignment": assignment(&[("10.0.0.1", 1, 1)])}), &build);
        let two = json!({"name": "c", "load_assignment": assignment(&[("10.0.0.1", 1, 5), ("10.0.0.2", 1, 1)])});
        let second = apply(&two, &build);
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&first.hosts()[0], &second.hosts()[0]), "the host stays");
        assert_eq!(second.hosts()[0].weight(), 5);
        assert!(Arc::ptr_eq(&second, &apply(&two, &build)));
        let slower =
            json!({"name": "c", "connect_timeout": "9s", "load_assignment": assignment(&[("10.0.0.1", 1, 1)])});
        assert!(!Arc::ptr_eq(&first.hosts()[0], &apply(&slower, &build).hosts()[0]), "connections differ");
        assert!(clusters.remove("c") && !clusters.remove("c"));
        assert!(clusters.get("c").is_none() && clusters.all().is_empty());
    }
}

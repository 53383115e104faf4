//! Counts of what balancers do, under Envoy's names. Those of a policy appear only in clusters that use it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::telemetry::stats::{Counter, Gauge, Scope};

/// The stats of a cluster.
#[derive(Debug)]
pub struct LbStats {
    /// Picks that ignored health.
    pub healthy_panic: Arc<Counter>,
    scope: Scope,
    subsets: OnceLock<SubsetStats>,
    tables: Mutex<Vec<Arc<Gauge>>>,
}

#[derive(Debug)]
struct SubsetStats {
    active: Arc<Gauge>,
    created: Arc<Counter>,
    removed: Arc<Counter>,
    selected: Arc<Counter>,
    fallback: Arc<Counter>,
    panic: Arc<Counter>,
    known: Mutex<BTreeSet<u64>>,
}

impl SubsetStats {
    fn new(scope: &Scope) -> Self {
        Self {
            active: scope.gauge("lb_subsets_active"),
            created: scope.counter("lb_subsets_created"),
            removed: scope.counter("lb_subsets_removed"),
            selected: scope.counter("lb_subsets_selected"),
            fallback: scope.counter("lb_subsets_fallback"),
            panic: scope.counter("lb_subsets_fallback_panic"),
            known: Mutex::default(),
        }
    }
}

impl LbStats {
    /// Under the scope of a cluster.
    pub fn new(scope: &Scope) -> Self {
        Self {
            healthy_panic: scope.counter("lb_healthy_panic"),
            scope: scope.clone(),
            subsets: OnceLock::new(),
            tables: Mutex::default(),
        }
    }

    fn of_subsets(&self) -> &SubsetStats {
        self.subsets.get_or_init(|| SubsetStats::new(&self.scope))
    }

    fn table(&self, part: &str, name: &str, value: u64) {
        let gauge = self.scope.sub(part).gauge(name);
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        let mut tables = self.tables.lock();
        if !tables.iter().any(|known| Arc::ptr_eq(known, &gauge)) {
            tables.push(gauge);
        }
    }

    /// A number of a ring.
    pub fn ring(&self, name: &str, value: u64) {
        self.table("ring_hash_lb", name, value);
    }

    /// A number of a Maglev table.
    pub fn maglev(&self, name: &str, value: u64) {
        self.table("maglev_lb", name, value);
    }

    /// The subsets there are now, by digest.
    pub fn subsets(&self, now: BTreeSet<u64>) {
        let stats = self.of_subsets();
        let mut known = stats.known.lock();
        stats.created.add(now.difference(&known).count() as u64);
        stats.removed.add(known.difference(&now).count() as u64);
        stats.active.set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        *known = now;
    }

    /// A request fell into a subset.
    pub fn subset_selected(&self) {
        self.of_subsets().selected.inc();
    }

    /// A request fell back.
    pub fn subset_fallback(&self) {
        self.of_subsets().fallback.inc();
    }

    /// A request fell back to any host because the fallback had none.
    pub fn subset_panic(&self) {
        self.of_subsets().panic.inc();
    }
}

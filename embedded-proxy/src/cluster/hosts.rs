//! The hosts of a cluster at one moment, sorted by priority, locality and health.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Host;
use super::assignment::Locality;
use super::host::{Health, flag};

/// A list of hosts, shared.
pub type HostList = Arc<[Arc<Host>]>;

/// The hosts of one locality at one priority.
#[derive(Debug, Clone)]
pub struct LocalityHosts {
    /// Which locality.
    pub locality: Locality,
    /// Its weight; 0 when it takes no part in locality weighted balancing.
    pub weight: u32,
    /// All hosts.
    pub all: HostList,
    /// Healthy ones.
    pub healthy: HostList,
    /// Degraded ones.
    pub degraded: HostList,
}

/// The hosts of one priority.
#[derive(Debug, Clone)]
pub struct PriorityHosts {
    /// All hosts.
    pub all: HostList,
    /// Healthy ones.
    pub healthy: HostList,
    /// Degraded ones.
    pub degraded: HostList,
    /// How many are out of all counts: not yet checked, or drained by their own word.
    pub excluded: usize,
    /// The same by locality: the proxy's own first, then in order.
    pub localities: Vec<LocalityHosts>,
    /// Healthy hosts count as this many percent.
    pub overprovisioning: u32,
    /// Whether weights are counted instead of hosts.
    pub weighted: bool,
}

/// What a priority is made from.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'s> {
    /// Healthy hosts count as this many percent.
    pub overprovisioning: u32,
    /// Whether weights are counted instead of hosts.
    pub weighted: bool,
    /// The proxy's own locality.
    pub own: &'s Locality,
}

/// The hosts of one kind of health; the list itself when that is all of them.
fn with_health(hosts: &HostList, health: Health) -> HostList {
    let is = |host: &Arc<Host>| host.health() == health;
    if hosts.iter().all(is) { hosts.clone() } else { hosts.iter().filter(|host| is(host)).cloned().collect() }
}

fn is_excluded(host: &Host) -> bool {
    host.has(flag::PENDING_ACTIVE_HC | flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL)
}

impl PriorityHosts {
    /// Sorts the hosts of a priority; `weights` are those of the localities.
    pub fn new(hosts: &[Arc<Host>], weights: &BTreeMap<Locality, u32>, shape: Shape<'_>) -> Self {
        let mut groups: BTreeMap<(bool, &Locality), Vec<Arc<Host>>> = BTreeMap::new();
        for host in hosts {
            let foreign = host.locality != *shape.own || host.locality == Locality::default();
            groups.entry((foreign, &host.locality)).or_default().push(host.clone());
        }
        let all: HostList = hosts.into();
        let alone = groups.len() == 1;
        let localities = groups.into_iter().map(|((_, locality), hosts)| {
            let hosts: HostList = if alone { all.clone() } else { hosts.into() };
            LocalityHosts {
                locality: locality.clone(),
                weight: weights.get(locality).copied().unwrap_or(0),
                healthy: with_health(&hosts, Health::Healthy),
                degraded: with_health(&hosts, Health::Degraded),
                all: hosts,
            }
        });
        Self {
            healthy: with_health(&all, Health::Healthy),
            degraded: with_health(&all, Health::Degraded),
            excluded: hosts.iter().filter(|host| is_excluded(host)).count(),
            localities: localities.collect(),
            all,
            overprovisioning: shape.overprovisioning,
            weighted: shape.weighted,
        }
    }

    /// The same priority with only the hosts that `keep` takes.
    pub fn filtered(&self, own: &Locality, mut keep: impl FnMut(&Host) -> bool) -> Self {
        let hosts: Vec<Arc<Host>> = self.all.iter().filter(|host| keep(host)).cloned().collect();
        let weights = self.localities.iter().map(|locality| (locality.locality.clone(), locality.weight)).collect();
        Self::new(&hosts, &weights, Shape { overprovisioning: self.overprovisioning, weighted: self.weighted, own })
    }

    fn size(&self, hosts: &[Arc<Host>]) -> u64 {
        if self.weighted { hosts.iter().map(|host| u64::from(host.weight())).sum() } else { hosts.len() as u64 }
    }

    /// Healthy and degraded availability in percent of what is needed, each at most 100.
    pub fn availability(&self) -> (u32, u32) {
        if self.all.len() <= self.excluded {
            return (0, 0);
        }
        let total = if self.weighted { self.size(&self.all) } else { (self.all.len() - self.excluded) as u64 };
        let share = |hosts: &[Arc<Host>]| {
            let percent = u64::from(self.overprovisioning) * self.size(hosts) / total.max(1);
            u32::try_from(percent.min(100)).unwrap_or(100)
        };
        (share(&self.healthy), share(&self.degraded))
    }

    /// Whether fewer than `threshold` percent of the hosts can take traffic.
    #[allow(clippy::cast_precision_loss)]
    pub fn in_panic(&self, threshold: f64) -> bool {
        let count = self.all.len().saturating_sub(self.excluded);
        let usable = self.healthy.len() + self.degraded.len();
        let percent = if count == 0 { 0.0 } else { 100.0 * usable as f64 / count as f64 };
        percent < threshold
    }
}

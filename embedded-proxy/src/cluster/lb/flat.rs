//! Balancers that choose a group of hosts first (priority, health, locality) and then a host of that group.

use std::sync::Arc;

use crate::cluster::Host;
use crate::cluster::hosts::{HostList, LocalityHosts, PriorityHosts};

use super::LbStats;
use super::policy::{LbConfig, LocalityPolicy};
use super::priority::Loads;
use super::stride::Stride;

/// A group of hosts with the state of its turns.
#[derive(Debug)]
struct Group {
    hosts: HostList,
    turns: Stride,
}

impl Group {
    fn new(hosts: &HostList, start: u64) -> Self {
        let turns = Stride::new(hosts.iter().map(|host| u64::from(host.weight())), start);
        Self { hosts: hosts.clone(), turns }
    }

    fn pick(&self) -> Option<Arc<Host>> {
        self.hosts.get(self.turns.next()?).cloned()
    }
}

/// Localities by weight, each with its group.
#[derive(Debug)]
struct Localities {
    turns: Stride,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Level {
    all: Group,
    healthy: Group,
    degraded: Group,
    healthy_localities: Option<Localities>,
    degraded_localities: Option<Localities>,
}

/// A balancer of that kind over one state of the hosts.
#[derive(Debug)]
pub struct Flat {
    loads: Loads,
    levels: Vec<Level>,
    fail_on_panic: bool,
}

/// Weight of a locality, less what it lacks of usable hosts. Scaled, so that fractions count.
fn effective_weight(locality: &LocalityHosts, usable: usize, overprovisioning: u32) -> u64 {
    let total = locality.all.len().max(1) as u64;
    let available = (u64::from(overprovisioning) * usable as u64 * 1000 / total).min(100_000);
    u64::from(locality.weight) * available
}

impl Localities {
    fn new(priority: &PriorityHosts, start: u64, usable: impl Fn(&LocalityHosts) -> &HostList) -> Option<Self> {
        let weights: Vec<u64> = priority
            .localities
            .iter()
            .map(|locality| effective_weight(locality, usable(locality).len(), priority.overprovisioning))
            .collect();
        if weights.iter().all(|weight| *weight == 0) {
            return None;
        }
        let groups = priority.localities.iter().map(|locality| Group::new(usable(locality), start)).collect();
        Some(Self { turns: Stride::new(weights, start), groups })
    }
}

impl Flat {
    /// Prepares picks. `start` shifts the first turn.
    pub fn new(config: &LbConfig, priorities: &[PriorityHosts], start: u64) -> Self {
        let weighted = config.locality == LocalityPolicy::Weighted;
        let level = |priority: &PriorityHosts| Level {
            all: Group::new(&priority.all, start),
            healthy: Group::new(&priority.healthy, start),
            degraded: Group::new(&priority.degraded, start),
            healthy_localities: weighted
                .then(|| Localities::new(priority, start, |locality| &locality.healthy))
                .flatten(),
            degraded_localities: weighted
                .then(|| Localities::new(priority, start, |locality| &locality.degraded))
                .flatten(),
        };
        Self {
            loads: Loads::new(priorities, config.panic_threshold),
            levels: priorities.iter().map(level).collect(),
            fail_on_panic: config.fail_on_panic,
        }
    }

    /// Chooses a host.
    pub fn pick(&self, random: u64, stats: &LbStats) -> Option<Arc<Host>> {
        let (index, degraded) = self.loads.choose(random)?;
        let level = self.levels.get(index)?;
        if self.loads.panic[index] {
            stats.healthy_panic.inc();
            return if self.fail_on_panic { None } else { level.all.pick() };
        }
        let (group, localities) = if degraded {
            (&level.degraded, &level.degraded_localities)
        } else {
            (&level.healthy, &level.healthy_localities)
        };
        match localities {
            Some(localities) => localities.groups.get(localities.turns.next()?)?.pick(),
            None => group.pick(),
        }
    }
}

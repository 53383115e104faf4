//! Balancers that choose a group of hosts first (priority, health, locality) and then a host of that group.

use std::sync::Arc;

use crate::cluster::hosts::{HostList, LocalityHosts, PriorityHosts};
use crate::cluster::{Choice, Host};

use super::LbStats;
use super::least_request::LeastRequest;
use super::peak_ewma::PeakEwma;
use super::policy::{LbConfig, LocalityPolicy, Policy};
use super::priority::Loads;
use super::random::Mix;
use super::round_robin::turns;
use super::slow_start::SlowStart;
use super::stride::Stride;

/// How a host of a group is chosen.
#[derive(Debug)]
enum Order {
    RoundRobin(Stride),
    /// With turns when weights differ.
    LeastRequest(LeastRequest, Option<Stride>),
    Random,
    PeakEwma(PeakEwma),
}

/// A group of hosts with the state of its turns.
#[derive(Debug)]
struct Group {
    hosts: HostList,
    order: Order,
}

/// Whether all hosts weigh the same, slow start included.
fn even(hosts: &[Arc<Host>], slow: Option<&SlowStart>) -> bool {
    let same = hosts.windows(2).all(|pair| pair[0].weight() == pair[1].weight());
    same && !slow.is_some_and(|slow| hosts.iter().any(|host| slow.covers(host)))
}

impl Group {
    fn new(policy: &Policy, hosts: &HostList, start: u64) -> Self {
        let order = match policy {
            Policy::LeastRequest(least) => {
                let slow = least.slow.as_ref();
                Order::LeastRequest(*least, (!even(hosts, slow)).then(|| turns(hosts, slow, start)))
            }
            Policy::Random => Order::Random,
            Policy::PeakEwma(rules) => Order::PeakEwma(*rules),
            Policy::RoundRobin(slow) => Order::RoundRobin(turns(hosts, slow.as_ref(), start)),
            _ => Order::RoundRobin(turns(hosts, None, start)),
        };
        Self { hosts: hosts.clone(), order }
    }

    fn pick(&self, random: u64) -> Option<Arc<Host>> {
        let index = match &self.order {
            Order::RoundRobin(turns) => turns.next(),
            Order::LeastRequest(least, turns) => least.pick(&self.hosts, turns.as_ref(), random),
            Order::Random => Mix::new(random).below(self.hosts.len()),
            Order::PeakEwma(rules) => rules.pick(&self.hosts, random),
        };
        self.hosts.get(index?).cloned()
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
    fn new(
        policy: &Policy,
        priority: &PriorityHosts,
        start: u64,
        usable: impl Fn(&LocalityHosts) -> &HostList,
    ) -> Option<Self> {
        let weights: Vec<u64> = priority
            .localities
            .iter()
            .map(|locality| effective_weight(locality, usable(locality).len(), priority.overprovisioning))
            .collect();
        if weights.iter().all(|weight| *weight == 0) {
            return None;
        }
        let groups = priority.localities.iter().map(|locality| Group::new(policy, usable(locality), start)).collect();
        Some(Self { turns: Stride::new(weights, start), groups })
    }
}

impl Flat {
    /// Prepares picks. `start` shifts the first turn.
    pub fn new(config: &LbConfig, priorities: &[PriorityHosts], start: u64) -> Self {
        let weighted = config.locality == LocalityPolicy::Weighted;
        let policy = &config.policy;
        let level = |priority: &PriorityHosts| Level {
            all: Group::new(policy, &priority.all, start),
            healthy: Group::new(policy, &priority.healthy, start),
            degraded: Group::new(policy, &priority.degraded, start),
            healthy_localities: weighted
                .then(|| Localities::new(policy, priority, start, |locality| &locality.healthy))
                .flatten(),
            degraded_localities: weighted
                .then(|| Localities::new(policy, priority, start, |locality| &locality.degraded))
                .flatten(),
        };
        Self {
            loads: Loads::new(priorities, config.panic_threshold),
            levels: priorities.iter().map(level).collect(),
            fail_on_panic: config.fail_on_panic,
        }
    }

    /// Chooses a host. The random number decides over the priority and, mixed, over the host.
    pub fn pick(&self, random: u64, choice: &Choice<'_>, stats: &LbStats) -> Option<Arc<Host>> {
        let (index, degraded) = self.loads.choose_for(choice, random)?;
        let level = self.levels.get(index)?;
        if self.loads.panic[index] {
            stats.healthy_panic.inc();
            return if self.fail_on_panic { None } else { level.all.pick(random) };
        }
        let (group, localities) = if degraded {
            (&level.degraded, &level.degraded_localities)
        } else {
            (&level.healthy, &level.healthy_localities)
        };
        match localities {
            Some(localities) => localities.groups.get(localities.turns.next()?)?.pick(random),
            None => group.pick(random),
        }
    }
}

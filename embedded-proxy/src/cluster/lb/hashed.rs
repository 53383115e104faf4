//! Balancers that place hosts by their hashes, so that the same request hash goes to the same host: ring hash and Maglev.

use std::sync::Arc;

use serde_json::Value;

use crate::cluster::hosts::PriorityHosts;
use crate::cluster::{Choice, Host};
use crate::proto::Reader;

use super::LbStats;
use super::bounded::Bound;
use super::maglev::Maglev;
use super::policy::{LbConfig, LocalityPolicy, Policy};
use super::priority::Loads;
use super::ring_hash::Ring;

/// What both have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consistent {
    /// Host names are hashed instead of addresses.
    pub hostname: bool,
    /// No host gets more than this percentage of the average of requests on their way; none is no bound.
    pub balance: Option<u32>,
}

impl Consistent {
    /// Reads `ConsistentHashingLbConfig`, old or new.
    pub fn read(reader: Option<&Reader<'_>>) -> Self {
        let Some(reader) = reader else { return Self::default() };
        let balance = reader.u32("hash_balance_factor");
        if balance.is_some_and(|balance| balance < 100) {
            reader.defect("hash_balance_factor", "must be greater than or equal to 100");
        }
        Self { hostname: reader.flag("use_hostname_for_hashing"), balance: balance.filter(|balance| *balance > 0) }
    }
}

/// A host with its share of all weight.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// The host.
    pub host: Arc<Host>,
    /// What is hashed for it.
    pub key: String,
    /// Its share: all shares add up to 1.
    pub share: f64,
}

/// What is hashed for a host: `hash_key` of its metadata, its name, or its address.
fn key(host: &Host, hostname: bool) -> String {
    let metadata = host.metadata();
    if let Some(Value::String(key)) = metadata.get("envoy.lb").and_then(|lb| lb.get("hash_key")) {
        return key.clone();
    }
    match &host.hostname {
        Some(name) if hostname => name.to_string(),
        _ => host.address.to_string(),
    }
}

#[allow(clippy::cast_precision_loss)]
fn weigh(hosts: &[Arc<Host>], share: f64, rules: Consistent, into: &mut Vec<Weighed>) {
    let sum: u64 = hosts.iter().map(|host| u64::from(host.weight())).sum();
    for host in hosts {
        let share = f64::from(host.weight()) * share / sum as f64;
        into.push(Weighed { host: host.clone(), key: key(host, rules.hostname), share });
    }
}

/// The hosts of a priority with their shares, by locality when `weighted`. Localities without weight take no part.
fn weighed(priority: &PriorityHosts, panic: bool, weighted: bool, rules: Consistent) -> Vec<Weighed> {
    let mut shares = Vec::new();
    if !weighted {
        weigh(if panic { &priority.all } else { &priority.healthy }, 1.0, rules, &mut shares);
        return shares;
    }
    let sum: f64 = priority.localities.iter().map(|locality| f64::from(locality.weight)).sum();
    for locality in priority.localities.iter().filter(|locality| locality.weight > 0) {
        let hosts = if panic { &locality.all } else { &locality.healthy };
        weigh(hosts, f64::from(locality.weight) / sum, rules, &mut shares);
    }
    shares
}

/// A placement of hosts.
#[derive(Debug)]
enum Table {
    Ring(Ring),
    Maglev(Maglev),
}

impl Table {
    /// Index of the host that a hash falls on.
    fn find(&self, hash: u64, attempt: u32) -> Option<usize> {
        match self {
            Self::Ring(ring) => ring.find(hash, attempt),
            Self::Maglev(maglev) => maglev.find(hash, attempt),
        }
    }
}

#[derive(Debug)]
struct Level {
    hosts: Vec<Weighed>,
    table: Table,
}

/// A balancer of that kind over one state of the hosts.
#[derive(Debug)]
pub struct Hashed {
    loads: Loads,
    levels: Vec<Level>,
    bound: Option<Bound>,
}

impl Hashed {
    /// Places the hosts.
    pub fn new(config: &LbConfig, priorities: &[PriorityHosts], stats: &LbStats) -> Self {
        let loads = Loads::new(priorities, config.panic_threshold);
        let weighted = config.locality == LocalityPolicy::Weighted;
        let rules = match &config.policy {
            Policy::RingHash(ring) => ring.consistent,
            Policy::Maglev(maglev) => maglev.consistent,
            _ => Consistent::default(),
        };
        let levels = priorities.iter().zip(&loads.panic).map(|(priority, panic)| {
            let hosts = weighed(priority, *panic, weighted, rules);
            let table = match &config.policy {
                Policy::Maglev(config) => Table::Maglev(Maglev::new(config, &hosts, stats)),
                Policy::RingHash(config) => Table::Ring(Ring::new(config, &hosts, stats)),
                _ => Table::Ring(Ring::default()),
            };
            Level { hosts, table }
        });
        let levels = levels.collect();
        Self { loads, levels, bound: rules.balance.map(Bound::new) }
    }

    /// Chooses the host of a hash; further attempts come out at other places.
    pub fn pick(&self, choice: &Choice<'_>, attempt: u32, stats: &LbStats) -> Option<Arc<Host>> {
        let hash = choice.hash.unwrap_or(choice.random);
        let (index, _) = self.loads.choose_for(choice, hash)?;
        let level = self.levels.get(index)?;
        if attempt == 0 && self.loads.panic[index] {
            stats.healthy_panic.inc();
        }
        let found = level.table.find(hash, attempt)?;
        let found = match &self.bound {
            Some(bound) => bound.admit(&level.hosts, found, hash),
            None => found,
        };
        level.hosts.get(found).map(|weighed| weighed.host.clone())
    }
}

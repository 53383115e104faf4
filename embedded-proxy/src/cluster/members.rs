//! The hosts a cluster knows, from assignment to assignment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assignment::{LoadAssignment, Locality};
use super::host::flag;
use super::hosts::{PriorityHosts, Shape};
use super::{EndpointAddress, Host};
use crate::net::Address;
use crate::proto::Fraction;

/// Same address in one static assignment: hosts of their own, told apart by their turn.
type Key = (Address, usize);

/// What a cluster knows of its hosts.
#[derive(Debug, Default)]
pub(super) struct Members {
    hosts: BTreeMap<Key, Arc<Host>>,
    /// The hosts in the order of the assignment.
    order: Vec<Arc<Host>>,
    /// Weights of localities by priority.
    weights: BTreeMap<u32, BTreeMap<Locality, u32>>,
    overprovisioning: u32,
    weighted: bool,
    /// Shares of requests to drop.
    pub(super) drops: Vec<(String, Fraction)>,
}

/// How an assignment changed the hosts.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Hosts that are new.
    pub(super) added: Vec<Arc<Host>>,
    /// Hosts that are gone.
    pub(super) removed: Vec<Arc<Host>>,
    /// Whether anything is different from before.
    pub(super) any: bool,
}

/// How hosts come and go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// An address that comes twice is one host (discovery), not two (static).
    pub(super) once: bool,
    /// Flags of a new host.
    pub(super) initial: u32,
    /// Hosts that are well stay until their health checks fail.
    pub(super) keep_well: bool,
}

impl Members {
    /// Takes the hosts of another cluster's members, as those that the next assignment may keep.
    pub(super) fn adopt(&mut self, others: &Self) {
        self.hosts.clone_from(&others.hosts);
    }

    /// All hosts in the order of the assignment.
    pub(super) fn hosts(&self) -> &[Arc<Host>] {
        &self.order
    }

    /// Follows an assignment.
    pub(super) fn assign(&mut self, assignment: &LoadAssignment, rules: Rules) -> Change {
        let mut old = std::mem::take(&mut self.hosts);
        let mut change = Change::default();
        let before = (std::mem::take(&mut self.order), std::mem::take(&mut self.weights));
        for group in &assignment.localities {
            let weights = self.weights.entry(group.priority).or_default();
            weights.insert(group.locality.clone(), group.weight.unwrap_or(0));
            for endpoint in &group.endpoints {
                let Some(key) = self.key(&endpoint.address, rules.once) else { continue };
                let kept = old.remove(&key).filter(|host| host.stands_for(endpoint, &group.locality));
                let host = match kept {
                    Some(host) => {
                        change.any |= host.refresh(endpoint, group.priority);
                        host
                    }
                    None => {
                        let Some(host) = Host::new(endpoint, &group.locality, group.priority) else { continue };
                        if !endpoint.check.disabled {
                            host.set(rules.initial);
                        }
                        let host = Arc::new(host);
                        change.added.push(host.clone());
                        host
                    }
                };
                self.order.push(host.clone());
                self.hosts.insert(key, host);
            }
        }
        let shape = (assignment.overprovisioning_factor, assignment.weighted_priority_health);
        change.any |= shape != (self.overprovisioning, self.weighted);
        (self.overprovisioning, self.weighted) = shape;
        change.any |= self.drops != assignment.drop_overloads;
        self.drops.clone_from(&assignment.drop_overloads);
        for (key, host) in old {
            if rules.keep_well && !host.has(flag::FAILED_ACTIVE_HC) && !host.check.disabled {
                host.set(flag::PENDING_DYNAMIC_REMOVAL);
                self.order.push(host.clone());
                self.hosts.entry(key).or_insert(host);
            } else {
                change.removed.push(host);
            }
        }
        let same = |(one, other): (&Arc<Host>, &Arc<Host>)| Arc::ptr_eq(one, other);
        let order = before.0.len() == self.order.len() && before.0.iter().zip(&self.order).all(same);
        change.any |= !order || before.1 != self.weights;
        change
    }

    /// The key of an address; none when it is taken and may be there only once.
    fn key(&self, address: &EndpointAddress, once: bool) -> Option<Key> {
        let mut key = (address.known()?.clone(), 0);
        while self.hosts.contains_key(&key) {
            key.1 += 1;
        }
        (key.1 == 0 || !once).then_some(key)
    }

    /// Removes the hosts that wait for it and whose health checks failed now.
    pub(super) fn sweep(&mut self) -> Vec<Arc<Host>> {
        let due = |host: &Host| host.has(flag::PENDING_DYNAMIC_REMOVAL) && host.has(flag::FAILED_ACTIVE_HC);
        let removed: Vec<Arc<Host>> = self.order.iter().filter(|host| due(host)).cloned().collect();
        if !removed.is_empty() {
            self.order.retain(|host| !due(host));
            self.hosts.retain(|_, host| !due(host));
        }
        removed
    }

    /// The hosts by priority, as they are now.
    pub(super) fn priorities(&self, own: &Locality) -> Vec<PriorityHosts> {
        let shape = Shape { overprovisioning: self.overprovisioning.max(1), weighted: self.weighted, own };
        let mut by_priority: BTreeMap<u32, Vec<Arc<Host>>> = BTreeMap::new();
        for host in &self.order {
            let priority = host.priority.load(std::sync::atomic::Ordering::Relaxed);
            by_priority.entry(priority).or_default().push(host.clone());
        }
        let none = BTreeMap::new();
        let last = by_priority.keys().next_back().copied().unwrap_or(0);
        (0..=last)
            .map(|priority| {
                let hosts = by_priority.get(&priority).map_or(&[][..], Vec::as_slice);
                PriorityHosts::new(hosts, self.weights.get(&priority).unwrap_or(&none), shape)
            })
            .collect()
    }
}

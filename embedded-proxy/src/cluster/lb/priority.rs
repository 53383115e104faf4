//! How load is spread over priorities, and which of them are in panic.

use std::collections::BTreeSet;

use crate::cluster::Choice;
use crate::cluster::hosts::PriorityHosts;

/// Percent of the load that each priority gets, for its healthy and its degraded hosts. All numbers add up to 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loads {
    /// For healthy hosts.
    pub healthy: Vec<u32>,
    /// For degraded hosts.
    pub degraded: Vec<u32>,
    /// Whether a priority ignores health because too few of its hosts are healthy.
    pub panic: Vec<bool>,
    /// Percent of what is needed that is healthy and that is degraded, by priority.
    availability: Vec<(u32, u32)>,
}

/// Spreads what is left of the load by availability and returns the first available priority and what is still left.
fn spread(loads: &mut [u32], availability: &[u32], total: u32, normal: u32) -> (Option<usize>, u32) {
    let mut left = total;
    for (load, available) in loads.iter_mut().zip(availability) {
        *load = left.min(available * 100 / normal.max(1));
        left -= *load;
    }
    (availability.iter().position(|available| *available > 0), left)
}

impl Loads {
    /// Computes the loads. `panic_threshold` is in percent; 0 turns panic off except when nothing is available at all.
    pub fn new(priorities: &[PriorityHosts], panic_threshold: f64) -> Self {
        let availability: Vec<(u32, u32)> = priorities.iter().map(PriorityHosts::availability).collect();
        let (healthy, degraded): (Vec<u32>, Vec<u32>) = availability.iter().copied().unzip();
        let normal = (healthy.iter().sum::<u32>() + degraded.iter().sum::<u32>()).min(100);
        let mut loads = Self {
            healthy: vec![0; healthy.len()],
            degraded: vec![0; degraded.len()],
            panic: vec![false; healthy.len()],
            availability,
        };
        if normal == 0 {
            return loads.without_hosts(priorities, panic_threshold);
        }
        let (first_healthy, left) = spread(&mut loads.healthy, &healthy, 100, normal);
        let (first_degraded, left) = spread(&mut loads.degraded, &degraded, left, normal);
        // What is left are rounding errors.
        match (first_healthy, first_degraded) {
            (Some(first), _) => loads.healthy[first] += left,
            (None, Some(first)) => loads.degraded[first] += left,
            (None, None) => {}
        }
        if normal < 100 {
            loads.panic = priorities.iter().map(|priority| priority.in_panic(panic_threshold)).collect();
            if loads.panic.iter().all(|panic| *panic) {
                loads.follow_hosts(priorities);
            }
        }
        loads
    }

    /// Nothing is available at all: panic, unless it is turned off.
    fn without_hosts(mut self, priorities: &[PriorityHosts], panic_threshold: f64) -> Self {
        if panic_threshold > 0.0 {
            self.panic.fill(true);
            self.follow_hosts(priorities);
        } else if let Some(first) = self.healthy.first_mut() {
            *first = 100;
        }
        self
    }

    /// All priorities are in panic: the load follows the number of hosts, well or not.
    fn follow_hosts(&mut self, priorities: &[PriorityHosts]) {
        let total: usize = priorities.iter().map(|priority| priority.all.len()).sum();
        let share = |hosts: usize| u32::try_from(100 * hosts / total.max(1)).unwrap_or(0);
        self.healthy = priorities.iter().map(|priority| share(priority.all.len())).collect();
        self.degraded.fill(0);
        let first = priorities.iter().position(|priority| !priority.all.is_empty()).unwrap_or(0);
        let left = 100 - self.healthy.iter().sum::<u32>();
        if let Some(load) = self.healthy.get_mut(first) {
            *load += left;
        }
    }

    /// The loads when some priorities get none. None: nothing else is available.
    pub(super) fn without(&self, excluded: &BTreeSet<usize>) -> Option<Self> {
        let kept = self.availability.iter().enumerate();
        let kept = kept.map(|(index, both)| if excluded.contains(&index) { (0, 0) } else { *both });
        let (healthy, degraded): (Vec<u32>, Vec<u32>) = kept.unzip();
        let total = (healthy.iter().sum::<u32>() + degraded.iter().sum::<u32>()).min(100);
        if total == 0 {
            return None;
        }
        let mut loads = Self { healthy: vec![0; healthy.len()], degraded: vec![0; degraded.len()], ..self.clone() };
        let mut left = 100;
        // What is left after a round are rounding errors: they go to the first priorities that are available.
        while left > 0 {
            let shares = loads.healthy.iter_mut().zip(&healthy).chain(loads.degraded.iter_mut().zip(&degraded));
            for (load, available) in shares {
                let more = left.min(available * 100 / total);
                *load += more;
                left -= more;
            }
        }
        Some(loads)
    }

    /// The same as [`Loads::choose`], with what earlier attempts of the request change.
    pub(super) fn choose_for(&self, choice: &Choice<'_>, hash: u64) -> Option<(usize, bool)> {
        match choice.priorities.and_then(|previous| previous.loads(self)) {
            Some(moved) => moved.choose(hash),
            None => self.choose(hash),
        }
    }

    /// The priority that a hash or random number falls on; true when its degraded hosts are meant.
    pub fn choose(&self, hash: u64) -> Option<(usize, bool)> {
        let mark = u32::try_from(hash % 100).unwrap_or(0) + 1;
        let mut sum = 0;
        for (loads, degraded) in [(&self.healthy, false), (&self.degraded, true)] {
            for (index, load) in loads.iter().enumerate() {
                sum += load;
                if mark <= sum {
                    return Some((index, degraded));
                }
            }
        }
        None
    }
}

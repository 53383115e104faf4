//! Load balancing: one file a policy. A picker is a pure function over one state of the hosts, its turns and its loads.

mod avoid;
mod bounded;
mod extension;
mod flat;
mod hashed;
mod least_request;
mod listed;
mod maglev;
mod murmur;
mod peak_ewma;
mod policy;
mod previous;
mod priority;
mod random;
mod ring_hash;
mod round_robin;
mod slow_start;
mod stats;
mod stride;
mod subset;
#[cfg(test)]
mod subset_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::assignment::Locality;
use super::hosts::PriorityHosts;
use super::{Choice, Host};

pub use avoid::Avoid;
pub use hashed::Consistent;
pub use least_request::LeastRequest;
pub use listed::ListedHosts;
pub use maglev::MaglevConfig;
pub use peak_ewma::{Average, PeakEwma};
pub use policy::{LbConfig, LocalityPolicy, Policy, StickyStatus};
pub use previous::PreviousPriorities;
pub use ring_hash::RingHashConfig;
pub use slow_start::SlowStart;
pub use stats::LbStats;
pub use subset::{Fallback, Selector, SubsetConfig};

/// A balancer over one state of the hosts.
#[derive(Debug)]
pub enum Balancer {
    /// Group first, then host.
    Flat(flat::Flat),
    /// By hash.
    Hashed(hashed::Hashed),
    /// By subset, each with a balancer of its own.
    Subsets(subset::Subsets),
}

impl Balancer {
    /// Prepares picks over these priorities; `own` is the proxy's locality.
    pub fn new(config: &LbConfig, priorities: &[PriorityHosts], own: &Locality, stats: &LbStats) -> Self {
        match &config.policy {
            Policy::RingHash(_) | Policy::Maglev(_) => Self::Hashed(hashed::Hashed::new(config, priorities, stats)),
            Policy::Subset(subset) => Self::Subsets(subset::Subsets::new(subset, priorities, own, stats)),
            _ => Self::Flat(flat::Flat::new(config, priorities, fastrand::u64(..))),
        }
    }

    /// Chooses a host; one to avoid is given only when `choice.attempts` tries found no other.
    pub fn pick(&self, choice: &Choice<'_>, stats: &LbStats) -> Option<Arc<Host>> {
        let mut host = self.pick_once(choice, 0, stats)?;
        let mut attempt = 0;
        while attempt < choice.attempts && choice.avoid.rejects(&host) {
            attempt += 1;
            host = self.pick_once(choice, attempt, stats)?;
        }
        Some(host)
    }

    fn pick_once(&self, choice: &Choice<'_>, attempt: u32, stats: &LbStats) -> Option<Arc<Host>> {
        match self {
            Self::Flat(flat) => {
                let random = random::Mix::new(choice.random.wrapping_add(u64::from(attempt))).next();
                flat.pick(random, choice, stats)
            }
            Self::Hashed(hashed) => hashed.pick(choice, attempt, stats),
            Self::Subsets(subsets) => subsets.pick(choice, attempt, stats),
        }
    }
}

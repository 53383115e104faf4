//! Load balancing: one file a policy. A picker is a pure function over one state of the hosts.

mod flat;
mod policy;
mod priority;
mod stride;

use std::sync::Arc;

use super::hosts::PriorityHosts;
use super::{Choice, Host};
use crate::telemetry::stats::{Counter, Scope};

pub use policy::{LbConfig, LocalityPolicy, Policy};

/// Counts of what balancers do, under Envoy's names.
#[derive(Debug)]
pub struct LbStats {
    /// Picks that ignored health.
    pub healthy_panic: Arc<Counter>,
}

impl LbStats {
    /// The stats of a cluster.
    pub fn new(scope: &Scope) -> Self {
        Self { healthy_panic: scope.counter("lb_healthy_panic") }
    }
}

/// A balancer over one state of the hosts.
#[derive(Debug)]
pub enum Balancer {
    /// Group first, then host.
    Flat(flat::Flat),
}

impl Balancer {
    /// Prepares picks over these priorities.
    pub fn new(config: &LbConfig, priorities: &[PriorityHosts]) -> Self {
        match config.policy {
            Policy::RoundRobin | Policy::Provided => Self::Flat(flat::Flat::new(config, priorities, fastrand::u64(..))),
        }
    }

    /// Chooses a host; one to avoid is given only when `choice.attempts` tries found no other.
    pub fn pick(&self, choice: &Choice<'_>, stats: &LbStats) -> Option<Arc<Host>> {
        let mut host = self.pick_once(choice, 0, stats)?;
        let mut attempt = 0;
        while attempt < choice.attempts && choice.avoid.contains(&host.address) {
            attempt += 1;
            host = self.pick_once(choice, attempt, stats)?;
        }
        Some(host)
    }

    fn pick_once(&self, choice: &Choice<'_>, attempt: u32, stats: &LbStats) -> Option<Arc<Host>> {
        let random = if attempt == 0 { choice.random } else { fastrand::u64(..) };
        match self {
            Self::Flat(flat) => flat.pick(choice.hash.unwrap_or(random), stats),
        }
    }
}

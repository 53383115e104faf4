//! Retries at other priorities: `envoy.retry_priorities.previous_priorities`.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::cluster::Host;

use super::priority::Loads;

/// The priorities that the attempts of one request used.
#[derive(Debug)]
pub struct PreviousPriorities {
    /// After how many attempts load moves on.
    frequency: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Priority of each attempt, in order.
    attempts: Vec<usize>,
    excluded: BTreeSet<usize>,
    loads: Option<Loads>,
}

impl PreviousPriorities {
    /// No attempt was made yet; load moves on after every `frequency` attempts (at least one).
    pub fn new(frequency: u32) -> Self {
        Self { frequency: (frequency as usize).max(1), state: Mutex::default() }
    }

    /// Notes an attempt at a host.
    pub fn note(&self, host: &Host) {
        let priority = host.priority.load(std::sync::atomic::Ordering::Relaxed);
        self.state.lock().attempts.push(priority as usize);
    }

    /// The loads for the next attempt, where they are not the usual ones: priorities that were tried get none. When
    /// nothing else is available, it starts over.
    pub(super) fn loads(&self, usual: &Loads) -> Option<Loads> {
        let mut state = self.state.lock();
        let State { attempts, excluded, loads } = &mut *state;
        if attempts.len() < self.frequency {
            return None;
        }
        if attempts.len().is_multiple_of(self.frequency) {
            excluded.extend(attempts.iter());
            let mut moved = usual.without(excluded);
            if moved.is_none() {
                excluded.clear();
                attempts.clear();
                moved = usual.without(excluded);
            }
            *loads = moved;
        }
        loads.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{apply, build};
    use crate::cluster::{Choice, Cluster};

    /// One host at each of these priorities; the port tells which.
    fn priorities(count: u16, unhealthy: &[u16]) -> std::sync::Arc<Cluster> {
        let group = |priority: u16| {
            let health = if unhealthy.contains(&priority) { "UNHEALTHY" } else { "HEALTHY" };
            json!({"priority": priority, "lb_endpoints": [{"health_status": health, "endpoint": {"address": {
                "socket_address": {"address": "10.0.0.1", "port_value": 1 + priority}}}}]})
        };
        let endpoints: Vec<_> = (0..count).map(group).collect();
        apply(&json!({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": endpoints}}), &build())
    }

    /// The priorities that attempts one after the other go to.
    fn attempts(cluster: &Cluster, frequency: u32, count: usize) -> Vec<u16> {
        let previous = PreviousPriorities::new(frequency);
        let attempt = |number: usize| {
            let choice = Choice {
                priorities: (number > 0).then_some(&previous),
                random: fastrand::u64(..),
                ..Choice::default()
            };
            let host = cluster.pick(&choice).unwrap();
            previous.note(&host);
            host.address.port().unwrap() - 1
        };
        (0..count).map(attempt).collect()
    }

    #[tokio::test]
    async fn attempts_go_from_priority_to_priority_and_start_over() {
        assert_eq!(attempts(&priorities(3, &[]), 1, 5), [0, 1, 2, 0, 1]);
        assert_eq!(attempts(&priorities(3, &[]), 2, 5), [0, 0, 1, 1, 2]);
    }

    #[tokio::test]
    async fn priorities_without_healthy_hosts_are_passed_over() {
        assert_eq!(attempts(&priorities(3, &[1]), 1, 3), [0, 2, 0]);
        assert_eq!(attempts(&priorities(1, &[]), 1, 3), [0, 0, 0]);
    }
}

//! What the checks of one host add up to: thresholds, flags, and when the next check is due. Pure but for the host's flags.

use std::time::Duration;

use crate::cluster::Host;
use crate::cluster::host::flag;

use super::{Checked, HealthConfig};

/// What a check changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    /// Nothing.
    Unchanged,
    /// The next ones will change something if they go on like this.
    Pending,
    /// The host's health.
    Changed,
}

/// Checks in a row.
#[derive(Debug)]
pub(super) struct State {
    first: bool,
    well: u32,
    unwell: u32,
}

impl State {
    /// `first`: the host was never checked, its first check decides alone.
    pub(super) fn new(first: bool) -> Self {
        Self { first, well: 0, unwell: 0 }
    }

    /// Takes a result.
    pub(super) fn note(&mut self, host: &Host, checked: Checked, config: &HealthConfig) -> Transition {
        let mut transition = match checked {
            Checked::Well | Checked::Degraded => self.success(host, checked == Checked::Degraded, config),
            _ => self.failure(host, checked, config),
        };
        if host.has(flag::PENDING_ACTIVE_HC) {
            host.clear(flag::PENDING_ACTIVE_HC);
            transition = Transition::Changed;
        }
        self.first = false;
        transition
    }

    fn success(&mut self, host: &Host, degraded: bool, config: &HealthConfig) -> Transition {
        self.unwell = 0;
        let mut transition = Transition::Unchanged;
        if host.has(flag::FAILED_ACTIVE_HC) {
            self.well += 1;
            if self.first || self.well >= config.healthy_threshold {
                let over = flag::ACTIVE_HC_TIMEOUT | flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL | flag::FAILED_ACTIVE_HC;
                host.clear(over);
                host.warm();
                transition = Transition::Changed;
            } else {
                transition = Transition::Pending;
            }
        }
        if degraded != host.has(flag::DEGRADED_ACTIVE_HC) {
            if degraded {
                host.set(flag::DEGRADED_ACTIVE_HC);
            } else {
                host.clear(flag::DEGRADED_ACTIVE_HC);
            }
            if transition == Transition::Unchanged {
                transition = Transition::Changed;
            }
        }
        transition
    }

    fn failure(&mut self, host: &Host, checked: Checked, config: &HealthConfig) -> Transition {
        self.well = 0;
        let mut transition = Transition::Unchanged;
        if !host.has(flag::FAILED_ACTIVE_HC) {
            self.unwell += 1;
            // An answer that says no counts at once; connections and some statuses get more tries.
            let at_once = matches!(checked, Checked::Failed | Checked::Passive);
            transition = if at_once || self.unwell >= config.unhealthy_threshold {
                host.set(flag::FAILED_ACTIVE_HC);
                self.unwell = 0;
                Transition::Changed
            } else {
                Transition::Pending
            };
        }
        if checked == Checked::Timeout && host.has(flag::FAILED_ACTIVE_HC) {
            host.set(flag::ACTIVE_HC_TIMEOUT);
        } else {
            host.clear(flag::ACTIVE_HC_TIMEOUT);
        }
        transition
    }
}

/// Time to the next check.
pub(super) fn pause(config: &HealthConfig, well: bool, transition: Transition, traffic: bool, random: u64) -> Duration {
    let pending = transition == Transition::Pending;
    let base = match (traffic, well) {
        (true, true) if pending => config.healthy_edge,
        (true, true) => config.interval,
        (true, false) if pending => config.unhealthy_edge,
        (true, false) => config.unhealthy_interval,
        (false, true) if !pending => config.no_traffic_healthy,
        (false, _) => config.no_traffic,
    };
    spread(config, base, config.jitter, random)
}

/// A time with its jitter, at least a millisecond.
pub(super) fn spread(config: &HealthConfig, base: Duration, jitter: Duration, random: u64) -> Duration {
    let part = |most: u128| random.checked_rem(u64::try_from(most).unwrap_or(u64::MAX)).unwrap_or(0);
    let share = base.as_millis() * u128::from(config.jitter_percent) / 100;
    let more = part(share) + part(jitter.as_millis());
    (base + Duration::from_millis(more)).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{build, read};
    use crate::cluster::{Endpoint, Locality};

    fn config() -> HealthConfig {
        let cluster = json!({"name": "c", "health_checks": [{
            "timeout": "1s", "interval": "5s", "unhealthy_interval": "2s", "unhealthy_edge_interval": "0.5s",
            "healthy_edge_interval": "0.25s", "unhealthy_threshold": 2, "healthy_threshold": 2,
            "tcp_health_check": {}}]});
        read(&cluster, &build()).unwrap().settings.health.unwrap()
    }

    fn host() -> Host {
        let host =
            Host::new(&Endpoint::at(std::net::SocketAddr::from(([10, 0, 0, 1], 1))), &Locality::default(), 0).unwrap();
        host.set(flag::FAILED_ACTIVE_HC);
        host
    }

    #[tokio::test]
    async fn the_first_check_decides_alone_and_later_ones_by_threshold() {
        let (config, host, mut state) = (config(), host(), State::new(true));
        assert_eq!(state.note(&host, Checked::Well, &config), Transition::Changed);
        assert!(host.is_healthy());
        assert_eq!(state.note(&host, Checked::Network, &config), Transition::Pending);
        assert_eq!(state.note(&host, Checked::Well, &config), Transition::Unchanged);
        assert_eq!(state.note(&host, Checked::Retriable, &config), Transition::Pending);
        assert_eq!(state.note(&host, Checked::Timeout, &config), Transition::Changed);
        assert!(!host.is_healthy() && host.has(flag::ACTIVE_HC_TIMEOUT));
        assert_eq!(state.note(&host, Checked::Well, &config), Transition::Pending);
        assert_eq!(state.note(&host, Checked::Failed, &config), Transition::Unchanged);
        assert!(!host.has(flag::ACTIVE_HC_TIMEOUT));
        assert_eq!(state.note(&host, Checked::Well, &config), Transition::Pending);
        assert_eq!(state.note(&host, Checked::Degraded, &config), Transition::Changed);
        assert_eq!(host.health(), crate::cluster::Health::Degraded);
        assert_eq!(
            state.note(&host, Checked::Failed, &config),
            Transition::Changed,
            "an answer that says no counts at once"
        );
    }

    #[tokio::test]
    async fn intervals_depend_on_traffic_and_edges() {
        let config = config();
        let pause = |well, transition, traffic| pause(&config, well, transition, traffic, 7).as_millis();
        assert_eq!(pause(true, Transition::Unchanged, true), 5000);
        assert_eq!(pause(true, Transition::Pending, true), 250);
        assert_eq!(pause(false, Transition::Pending, true), 500);
        assert_eq!(pause(false, Transition::Changed, true), 2000);
        assert_eq!(pause(true, Transition::Unchanged, false), 60_000);
        let jittered = HealthConfig { jitter_percent: 10, jitter: Duration::from_millis(100), ..config.clone() };
        let later = super::pause(&jittered, true, Transition::Unchanged, true, 1_234_567_899);
        assert!(later >= Duration::from_secs(5) && later < Duration::from_millis(5600), "{later:?}");
    }
}

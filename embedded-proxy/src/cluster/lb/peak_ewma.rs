//! Peak EWMA: of two hosts, the one that answers faster, by a moving average that follows peaks at once and forgets
//! them slowly, times the requests on their way. A failure counts as a slow answer, so that fast errors attract nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cluster::Host;
use crate::proto::Reader;

use super::random::Mix;

/// How fast the average forgets, and what it starts with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeakEwma {
    /// Time after which a measurement has lost most of its weight (10 s).
    pub decay: Duration,
    /// Latency of a host without measurements (10 ms).
    pub initial: Duration,
}

/// The average of one host.
#[derive(Debug, Default)]
pub struct Average {
    /// Bits of the average in seconds, 0 without measurements.
    seconds: AtomicU64,
    /// When it was measured, nanoseconds since the host was made.
    at: AtomicU64,
}

/// What a failure counts at least.
const FAILURE: f64 = 1.0;

impl Average {
    /// Takes a measurement at `now` since the host was made.
    pub fn note(&self, latency: Duration, failed: bool, now: Duration, decay: Duration) {
        let before = f64::from_bits(self.seconds.load(Ordering::Relaxed));
        let latency = latency.as_secs_f64();
        let latency = if failed { latency.max(FAILURE).max(before) } else { latency };
        let next = if latency >= before {
            latency
        } else {
            let keep = self.fade(now, decay);
            latency * (1.0 - keep) + before * keep
        };
        self.seconds.store(next.to_bits(), Ordering::Relaxed);
        self.at.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How much of the average is left at `now`.
    fn fade(&self, now: Duration, decay: Duration) -> f64 {
        let age = now.saturating_sub(Duration::from_nanos(self.at.load(Ordering::Relaxed)));
        (-age.as_secs_f64() / decay.as_secs_f64().max(0.001)).exp()
    }

    /// The average at `now`: between the last one and the initial one, the longer ago it was measured the nearer to that.
    fn seconds(&self, rules: &PeakEwma, now: Duration) -> f64 {
        let seconds = f64::from_bits(self.seconds.load(Ordering::Relaxed));
        let initial = rules.initial.as_secs_f64();
        if seconds == 0.0 {
            return initial;
        }
        let keep = self.fade(now, rules.decay);
        seconds * keep + initial.min(seconds) * (1.0 - keep)
    }
}

impl PeakEwma {
    /// Reads the extension `envoy.load_balancing_policies.peak_ewma`.
    pub fn read(reader: &Reader<'_>) -> Self {
        // How Envoy collects measurements over its threads, and what it assumes of hosts it cannot compute a cost for: here
        // all threads share one average, and there is a cost always.
        reader.ignore(&["aggregation_interval", "max_samples_per_host", "penalty_value"]);
        Self {
            decay: reader.duration("decay_time").unwrap_or(Duration::from_secs(10)),
            initial: reader.duration("default_rtt").unwrap_or(Duration::from_millis(10)),
        }
    }

    fn cost(&self, host: &Host) -> f64 {
        let active = f64::from(host.active.load(Ordering::Relaxed)) + 1.0;
        host.average.seconds(self, host.age()) * active / f64::from(host.weight())
    }

    /// Index of a host.
    pub fn pick(&self, hosts: &[Arc<Host>], random: u64) -> Option<usize> {
        let mut mix = Mix::new(random);
        let one = mix.below(hosts.len())?;
        let Some(step) = mix.below(hosts.len() - 1) else { return Some(one) };
        let other = (one + 1 + step) % hosts.len();
        Some(if self.cost(&hosts[other]) < self.cost(&hosts[one]) { other } else { one })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: Duration = Duration::from_secs(10);

    #[test]
    fn peaks_count_at_once_and_fade() {
        let rules = PeakEwma { decay: DECAY, initial: Duration::from_millis(10) };
        let average = Average::default();
        let at = Duration::from_secs;
        assert!((average.seconds(&rules, at(0)) - 0.01).abs() < 1e-9);
        average.note(Duration::from_millis(500), false, at(1), DECAY);
        assert!((average.seconds(&rules, at(1)) - 0.5).abs() < 1e-9);
        average.note(Duration::from_millis(5), false, at(2), DECAY);
        let later = average.seconds(&rules, at(2));
        assert!(later < 0.5 && later > 0.4, "{later}");
        assert!(average.seconds(&rules, at(200)) < 0.011);
    }

    #[test]
    fn a_fast_failure_is_slow() {
        let rules = PeakEwma { decay: DECAY, initial: Duration::from_millis(10) };
        let average = Average::default();
        average.note(Duration::from_millis(1), true, Duration::from_secs(1), DECAY);
        assert!(average.seconds(&rules, Duration::from_secs(1)) >= FAILURE);
    }
}

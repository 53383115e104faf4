//! Slow start: a host that just came, or just became healthy, gets its full share only after a while.

use std::time::Duration;

use crate::cluster::Host;
use crate::proto::Reader;

/// How slowly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowStart {
    /// How long it takes.
    pub window: Duration,
    /// Shape: 1 is linear, more is faster at first.
    pub aggression: f64,
    /// Share of the weight to begin with.
    pub least: f64,
}

impl SlowStart {
    /// Reads `SlowStartConfig`, old or new. None: there is none.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let config = reader.message("slow_start_config")?;
        let aggression = config.message("aggression").map(|aggression| {
            // The proxy has no runtime overrides: the default counts.
            aggression.ignore(&["runtime_key"]);
            aggression.float("default_value").unwrap_or(0.0)
        });
        let least = config.message("min_weight_percent").map_or(10.0, |least| least.float("value").unwrap_or(0.0));
        let window = config.duration("slow_start_window").unwrap_or_default();
        let aggression = aggression.filter(|aggression| *aggression > 0.0 && aggression.is_finite()).unwrap_or(1.0);
        (!window.is_zero()).then_some(Self { window, aggression, least: (least / 100.0).clamp(0.0, 1.0) })
    }

    /// Share of its weight that a host gets now.
    pub fn share(&self, host: &Host) -> f64 {
        self.share_after(host.warm_for())
    }

    fn share_after(&self, warm: Duration) -> f64 {
        if warm >= self.window {
            return 1.0;
        }
        let time = (warm.as_secs_f64() / self.window.as_secs_f64()).max(0.001 / self.window.as_secs_f64());
        time.powf(1.0 / self.aggression).clamp(self.least, 1.0)
    }

    /// Whether a host is still in its window.
    pub fn covers(&self, host: &Host) -> bool {
        host.warm_for() < self.window
    }

    /// Time after which shares are computed again as long as a host is in its window.
    pub fn pace(&self) -> Duration {
        (self.window / 60).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_to_the_whole() {
        let linear = SlowStart { window: Duration::from_secs(10), aggression: 1.0, least: 0.1 };
        let share = |seconds| linear.share_after(Duration::from_secs(seconds));
        for (seconds, expected) in [(0, 0.1), (5, 0.5), (10, 1.0), (20, 1.0)] {
            assert!((share(seconds) - expected).abs() < 1e-9, "{seconds}");
        }
        let eager = SlowStart { aggression: 2.0, ..linear };
        assert!(eager.share_after(Duration::from_secs(4)) > share(4));
    }
}

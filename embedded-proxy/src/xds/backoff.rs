//! Pauses between attempts to reach a control plane.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Doubles from 500 ms to 30 s; each pause is a random share of that, so that a thousand proxies do not come back at the
/// same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked: the next failure begins anew.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after another failure. `random` is between 0 and 1.
    pub fn next(&mut self, random: f64) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff.next(0.5).as_millis(), 15000);
        backoff.reset();
        assert_eq!(backoff.next(0.0).as_millis(), 0);
        assert_eq!((0..100).map(|_| backoff.next(1.0)).max(), Some(LONGEST));
    }
}

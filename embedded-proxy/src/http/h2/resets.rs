//! How often a client may reset streams: one that does it all the time makes work that nobody wants (CVE-2023-44487).

use tokio::time::Instant;

/// Resets that are left to a client.
#[derive(Debug)]
pub(super) struct Resets {
    left: u64,
    burst: u64,
    rate: u64,
    filled: Instant,
}

impl Resets {
    /// `burst` at once, `rate` more each second.
    pub(super) fn new((burst, rate): (u64, u64), now: Instant) -> Self {
        Self { left: burst, burst, rate, filled: now }
    }

    /// Counts one. False: that was too many.
    pub(super) fn take(&mut self) -> bool {
        if self.left == 0 {
            let now = Instant::now();
            let seconds = now.saturating_duration_since(self.filled).as_secs();
            if seconds > 0 {
                self.left = self.burst.min(self.rate.saturating_mul(seconds));
                self.filled = now;
            }
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_a_rate() {
        let mut resets = Resets::new((3, 2), Instant::now());
        assert_eq!([(); 4].map(|()| resets.take()), [true, true, true, false]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([(); 3].map(|()| resets.take()), [true, true, false]);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!([(); 4].map(|()| resets.take()), [true, true, true, false], "never more than the burst");
    }
}

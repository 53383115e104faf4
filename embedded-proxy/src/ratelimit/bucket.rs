//! A token bucket without a timer and without a lock: tokens are what the time since it was empty has brought.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::proto::Reader;

/// Tokens that come back evenly, `per_fill` in every `interval`, up to `max`. It starts full.
#[derive(Debug)]
pub struct TokenBucket {
    max: f64,
    /// Tokens a second.
    rate: f64,
    started: Instant,
    /// Seconds from `started` to the moment at which the bucket would have been empty (bits of an f64; may be negative).
    empty_at: AtomicU64,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(max: u32, per_fill: u32, interval: Duration) -> Self {
        let (max, rate) = (f64::from(max), f64::from(per_fill.max(1)) / interval.as_secs_f64().max(1e-9));
        Self { max, rate, started: Instant::now(), empty_at: AtomicU64::new((-max / rate).to_bits()) }
    }

    /// Reads `envoy.type.v3.TokenBucket`. The interval must be at least 50 ms, as in Envoy; a bucket without tokens lets
    /// nothing pass.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let (max, per_fill) = (reader.u32("max_tokens").unwrap_or(0), reader.u32("tokens_per_fill").unwrap_or(1));
        let interval = reader.duration("fill_interval").unwrap_or_default();
        if per_fill == 0 {
            reader.defect("tokens_per_fill", "must be greater than 0");
            return None;
        }
        if interval.is_zero() || (max > 0 && interval < Duration::from_millis(50)) {
            reader.defect("fill_interval", "must be at least 50 ms");
            return None;
        }
        Some(Self::new(max, per_fill, interval))
    }

    /// A full bucket of the same size and rate.
    pub fn fresh(&self) -> Self {
        let empty_at = AtomicU64::new((-self.max / self.rate).to_bits());
        Self { max: self.max, rate: self.rate, started: Instant::now(), empty_at }
    }

    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn level(&self, empty_at: f64, now: f64) -> f64 {
        ((now - empty_at) * self.rate).clamp(0.0, self.max)
    }

    /// Takes `count` tokens if there are as many.
    #[allow(clippy::cast_precision_loss)]
    pub fn take(&self, count: u64) -> bool {
        let (now, count) = (self.now(), count as f64);
        let taken = self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
            let level = self.level(f64::from_bits(bits), now);
            (level >= count).then(|| (now - (level - count) / self.rate).to_bits())
        });
        taken.is_ok()
    }

    /// Puts `count` tokens back, up to the size of the bucket.
    #[allow(clippy::cast_precision_loss)]
    pub fn give(&self, count: u64) {
        let (now, count) = (self.now(), count as f64);
        let _ = self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
            let level = (self.level(f64::from_bits(bits), now) + count).min(self.max);
            Some((now - level / self.rate).to_bits())
        });
    }

    /// Its size.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn size(&self) -> u64 {
        self.max as u64
    }

    /// Whole tokens in it now.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn tokens(&self) -> u64 {
        self.level(f64::from_bits(self.empty_at.load(Ordering::Relaxed)), self.now()) as u64
    }

    /// Time until there is a token.
    pub fn next_token(&self) -> Duration {
        let level = self.level(f64::from_bits(self.empty_at.load(Ordering::Relaxed)), self.now());
        if level >= 1.0 { Duration::ZERO } else { Duration::from_secs_f64(((1.0 - level) / self.rate).min(1e9)) }
    }

    /// Tokens a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tokens_come_back_evenly() {
        let bucket = TokenBucket::new(4, 2, Duration::from_secs(1));
        assert!((0..4).all(|_| bucket.take(1)) && !bucket.take(1));
        assert_eq!(bucket.next_token(), Duration::from_millis(500));
        advance(Duration::from_millis(501)).await;
        assert!(bucket.take(1) && !bucket.take(1), "half an interval brings half the tokens");
        advance(Duration::from_mins(1)).await;
        assert_eq!(bucket.tokens(), 4, "never more than its size");
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_can_be_given_back() {
        let bucket = TokenBucket::new(2, 1, Duration::from_secs(3600));
        assert!(bucket.take(2) && !bucket.take(1));
        bucket.give(1);
        assert!(bucket.take(1) && !bucket.take(1));
        bucket.give(9);
        assert_eq!(bucket.tokens(), 2);
    }
}

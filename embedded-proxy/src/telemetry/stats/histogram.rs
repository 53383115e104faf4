//! How values are distributed: counts in buckets with fixed bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets that Envoy has by default; one without bound follows.
pub const BOUNDS: [f64; 19] = [
    0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 30000.0, 60000.0, 300000.0,
    600000.0, 1800000.0, 3600000.0,
];

/// Shares of values that `/stats` tells, in hundredths.
pub const QUANTILES: [f64; 10] = [0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 100.0];

/// Counts of values by bucket. Noting a value costs two atomic additions.
#[derive(Debug)]
pub struct Histogram {
    bounds: Arc<[f64]>,
    /// One more than bounds.
    buckets: Box<[AtomicU64]>,
    /// Sum in thousandths.
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(BOUNDS.into())
    }
}

impl Histogram {
    /// Without values; `bounds` rise.
    pub fn new(bounds: Arc<[f64]>) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Notes a value.
    pub fn record(&self, value: f64) {
        let index = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // negative and odd values count as 0
        self.sum.fetch_add((value * 1000.0) as u64, Ordering::Relaxed);
    }

    /// Upper bounds of all buckets but the last.
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Values in each bucket, not cumulated; the last has no upper bound.
    pub fn buckets(&self) -> Vec<u64> {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect()
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// Sum of all values.
    #[allow(clippy::cast_precision_loss)]
    pub fn sum(&self) -> f64 {
        self.sum.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// The values below which the shares of [`QUANTILES`] lie, taken evenly within a bucket; none without values.
    #[allow(clippy::cast_precision_loss)]
    pub fn quantiles(&self) -> Option<[f64; QUANTILES.len()]> {
        let buckets = self.buckets();
        let count: u64 = buckets.iter().sum();
        (count > 0).then(|| QUANTILES.map(|quantile| self.quantile(&buckets, count as f64 * quantile / 100.0)))
    }

    /// The value that `rank` values do not exceed.
    #[allow(clippy::cast_precision_loss)]
    fn quantile(&self, buckets: &[u64], rank: f64) -> f64 {
        let mut before = 0.0;
        let mut lower = 0.0;
        for (index, count) in buckets.iter().enumerate() {
            let upper = self.bounds.get(index).copied().unwrap_or(lower);
            let count = *count as f64;
            if count > 0.0 && before + count >= rank {
                return lower + (upper - lower) * ((rank - before) / count).clamp(0.0, 1.0);
            }
            before += count;
            lower = upper;
        }
        lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        let histogram = Histogram::new([1.0, 10.0].into());
        for value in [0.0, 1.0, 2.0, 10.0, 11.0, -5.0] {
            histogram.record(value);
        }
        assert_eq!(histogram.buckets(), [3, 2, 1]);
        assert_eq!(histogram.count(), 6);
        assert!((histogram.sum() - 24.0).abs() < 0.001);
    }

    #[test]
    fn quantiles_rise_and_are_absent_without_values() {
        let histogram = Histogram::default();
        assert!(histogram.quantiles().is_none());
        (0..100).for_each(|value| histogram.record(f64::from(value)));
        let quantiles = histogram.quantiles().unwrap();
        assert!(quantiles.is_sorted(), "{quantiles:?}");
        assert!((quantiles[2] - 50.0).abs() < 5.0, "{quantiles:?}");
        assert!((quantiles[9] - 100.0).abs() < 1e-9, "{quantiles:?}");
    }
}

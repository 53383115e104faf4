//! Weighted turns without a lock: every host is taken in exact proportion to its weight, spread evenly.

use std::sync::atomic::{AtomicU64, Ordering};

/// Turns over a list. A counter walks over the list again and again; in each round an entry is skipped so often that it
/// is taken `weight / max` of the time.
#[derive(Debug)]
pub struct Stride {
    weights: Box<[u64]>,
    max: u64,
    next: AtomicU64,
}

impl Stride {
    /// Turns with these weights; entries of weight 0 are never taken. `start` shifts the first turn.
    pub fn new(weights: impl IntoIterator<Item = u64>, start: u64) -> Self {
        let weights: Box<[u64]> = weights.into_iter().collect();
        let max = weights.iter().copied().max().unwrap_or(0);
        let count = weights.len().max(1) as u64;
        // Whole rounds would only move the phase of lighter entries.
        Self { weights, max, next: AtomicU64::new(start % count) }
    }

    /// Index of the next entry. None: there is none that weighs anything.
    pub fn next(&self) -> Option<usize> {
        if self.max == 0 {
            return None;
        }
        let count = self.weights.len() as u64;
        loop {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let (round, index) = (turn / count, turn % count);
            let index = usize::try_from(index).ok()?;
            let weight = self.weights[index];
            // Entries of equal weight are taken in different rounds: the second part shifts their phase.
            let phase = u128::from(weight) * u128::from(round) + u128::from(self.max / 2) * (index as u128);
            if weight == self.max || phase % u128::from(self.max) >= u128::from(self.max - weight) {
                return Some(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(weights: &[u64], turns: u64) -> Vec<u64> {
        let stride = Stride::new(weights.iter().copied(), 0);
        let mut counts = vec![0; weights.len()];
        for _ in 0..turns {
            counts[stride.next().unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn equal_weights_take_turns() {
        let stride = Stride::new([5, 5, 5], 1);
        let taken: Vec<usize> = (0..6).map(|_| stride.next().unwrap()).collect();
        assert_eq!(taken, [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn nothing_is_taken_of_nothing() {
        assert_eq!(Stride::new([], 3).next(), None);
        assert_eq!(Stride::new([0, 0], 0).next(), None);
    }

    proptest! {
        #[test]
        fn shares_are_exact(weights in prop::collection::vec(0u64..50, 1..8)) {
            let sum: u64 = weights.iter().sum();
            prop_assume!(sum > 0);
            // One cycle of `max` rounds takes every entry `weight` times.
            for (count, weight) in counts(&weights, sum * 3).iter().zip(&weights) {
                prop_assert_eq!(*count, weight * 3);
            }
        }
    }
}

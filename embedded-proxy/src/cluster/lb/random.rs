//! Random numbers made from one: a picker needs several that do not depend on each other, and stays a pure function.

/// A sequence that follows from its seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Mix(u64);

impl Mix {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `count`, none when that is 0.
    pub fn below(&mut self, count: usize) -> Option<usize> {
        let wide = u128::from(self.next()) * (count as u128);
        (count > 0).then(|| usize::try_from(wide >> 64).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_evenly() {
        let mut counts = [0; 7];
        for seed in 0..7000 {
            counts[Mix::new(seed).below(7).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(Mix::new(1).below(0), None);
    }
}

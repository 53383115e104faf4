//! Parts of a whole without floating point, so that meshes compare and hash.

/// Millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(pub u32);

impl Share {
    /// All.
    pub const ALL: Self = Self(1_000_000);
    /// None.
    pub const NONE: Self = Self(0);

    /// From a percentage; under 0 is 0, over 100 is 100, not a number is 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    pub fn percent(percent: f64) -> Self {
        Self((percent.clamp(0.0, 100.0) * 10_000.0).round() as u32)
    }

    /// As a percentage.
    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn percentages_are_kept_to_the_millionth() {
        assert_eq!(Share::percent(0.0001), Share(1));
        assert_eq!(Share::percent(250.0), Share::ALL);
        assert_eq!(Share::percent(f64::NAN), Share::NONE);
        assert!((Share::percent(12.5).as_percent() - 12.5).abs() < 1e-9);
    }
}

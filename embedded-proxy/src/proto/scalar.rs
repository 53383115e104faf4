//! Small values that stand everywhere in Envoy's API: durations, wrappers, fractions.

use std::time::Duration;

use prost_reflect::DynamicMessage;

/// A share of requests: `numerator` of every `denominator` (100, 10,000 or 1,000,000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// How many of them.
    pub numerator: u32,
    /// Out of how many.
    pub denominator: u32,
}

impl Fraction {
    /// All requests.
    pub const ALL: Self = Self { numerator: 100, denominator: 100 };

    /// Whether a random number hits the share, as Envoy decides it: the remainder is smaller than the numerator.
    pub fn hits(self, random: u64) -> bool {
        random % u64::from(self.denominator.max(1)) < u64::from(self.numerator)
    }

    /// The share between 0 and 1.
    pub fn share(self) -> f64 {
        (f64::from(self.numerator) / f64::from(self.denominator.max(1))).min(1.0)
    }

    /// From `envoy.type.v3.FractionalPercent`.
    pub(crate) fn of(message: &DynamicMessage) -> Self {
        let number = |name: &str| message.get_field_by_name(name).and_then(|value| value.as_u32()).unwrap_or(0);
        let word = message.get_field_by_name("denominator").and_then(|value| value.as_enum_number()).unwrap_or(0);
        let denominator = match word {
            1 => 10_000,
            2 => 1_000_000,
            _ => 100,
        };
        Self { numerator: number("numerator"), denominator }
    }
}

/// From `google.protobuf.Duration`; negative or absurd values are none.
pub(crate) fn duration(message: &DynamicMessage) -> Option<Duration> {
    let seconds = message.get_field_by_name("seconds").and_then(|value| value.as_i64()).unwrap_or(0);
    let nanos = message.get_field_by_name("nanos").and_then(|value| value.as_i32()).unwrap_or(0);
    let (seconds, nanos) = (u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
    (seconds <= 315_576_000_000 && nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

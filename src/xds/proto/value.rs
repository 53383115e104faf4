//! Wrapped numbers, durations, shares, and messages within `Any`.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, fractional_percent::DenominatorType};
use envoy_types::pb::google::protobuf::{Any, BoolValue, Duration as Span, UInt32Value, UInt64Value};
use prost::{Message, Name};

use crate::ir::Share;

/// A message within `Any`, by its type.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("type.googleapis.com/{}", M::full_name()), value: message.encode_to_vec() }
}

/// A duration; longer ones than protobuf can say are as long as it can.
pub fn duration(duration: Duration) -> Span {
    Span {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(315_576_000_000),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// A number of 32 bits.
pub fn number(value: u32) -> UInt32Value {
    UInt32Value { value }
}

/// A number of 64 bits.
pub fn wide_number(value: u64) -> UInt64Value {
    UInt64Value { value }
}

/// True or false.
pub fn boolean(value: bool) -> BoolValue {
    BoolValue { value }
}

/// A share in the coarsest unit that holds it.
pub fn fraction(share: Share) -> FractionalPercent {
    let (numerator, denominator) = match share.0 {
        parts if parts % 10_000 == 0 => (parts / 10_000, DenominatorType::Hundred),
        parts if parts % 100 == 0 => (parts / 100, DenominatorType::TenThousand),
        parts => (parts, DenominatorType::Million),
    };
    FractionalPercent { numerator, denominator: denominator.into() }
}

/// A share without a runtime key.
pub fn runtime_fraction(share: Share) -> RuntimeFractionalPercent {
    RuntimeFractionalPercent { default_value: Some(fraction(share)), runtime_key: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_their_value() {
        let of = |percent| {
            let fraction = fraction(Share::percent(percent));
            (fraction.numerator, fraction.denominator)
        };
        assert_eq!(of(10.0), (10, DenominatorType::Hundred.into()));
        assert_eq!(of(0.5), (50, DenominatorType::TenThousand.into()));
        assert_eq!(of(0.0001), (1, DenominatorType::Million.into()));
    }
}

//! How long things took.

use tokio::time::Instant;

use super::Fact;
use crate::stream::StreamInfo;
use crate::telemetry::format::Piece;

const MILLISECOND: u128 = 1_000_000;

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("DURATION", |context| Piece::count(u64::try_from(context.info.duration().as_millis()).unwrap_or(u64::MAX))),
    ("REQUEST_DURATION", |context| between(started(context.info), context.info.request_received, MILLISECOND)),
    ("REQUEST_TX_DURATION", |context| between(started(context.info), context.info.upstream_sent, MILLISECOND)),
    ("RESPONSE_DURATION", |context| between(started(context.info), context.info.upstream_first, MILLISECOND)),
    ("RESPONSE_TX_DURATION", |context| between(context.info.upstream_first, context.info.response_sent, MILLISECOND)),
];

/// Reads a moment of an exchange.
pub type TimePoint = fn(&StreamInfo) -> Option<Instant>;

/// The moment that `%COMMON_DURATION%` calls so. Names that Envoy does not know are moments that filters may set: here
/// none does, and they have no value.
pub fn time_point(name: &str) -> Result<TimePoint, String> {
    let point: TimePoint = match name {
        "DS_RX_BEG" => started,
        "DS_RX_END" => |info| info.request_received,
        "US_TX_BEG" => |info| info.upstream_started,
        "US_TX_END" => |info| info.upstream_sent,
        "US_RX_BEG" => |info| info.upstream_first,
        "US_RX_END" => |info| info.upstream_last,
        "DS_TX_BEG" => |info| info.response_started,
        "DS_TX_END" => |info| info.response_sent,
        "US_CX_BEG" | "US_CX_END" | "US_HS_END" | "US_RX_BODY_BEG" | "DS_CX_BEG" | "DS_CX_END" | "DS_HS_BEG"
        | "DS_HS_END" | "DS_RX_HDR_END" => return Err(format!("the proxy does not record {name}")),
        _ => |_| None,
    };
    Ok(point)
}

#[allow(clippy::unnecessary_wraps)]
fn started(info: &StreamInfo) -> Option<Instant> {
    Some(info.started)
}

/// Whole units of so many nanoseconds from one moment to the other; none when one is missing or they are reversed.
pub fn between(from: Option<Instant>, to: Option<Instant>, unit: u128) -> Piece<'static> {
    let passed = from.zip(to).and_then(|(from, to)| to.checked_duration_since(from));
    passed.map_or(Piece::None, |passed| Piece::count(u64::try_from(passed.as_nanos() / unit).unwrap_or(u64::MAX)))
}

//! Timeouts of a route, and what headers of a request make of them.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::http::{Headers, RequestHead};
use crate::proto::Reader;

/// `grpc-timeout`
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Timeouts of a route. Zero durations are "no limit", as in Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTimeouts {
    /// For the whole response, from the end of the request (Envoy's default: 15 s). Routes with `max_stream_duration`
    /// have none, whatever stands here.
    pub response: Duration,
    /// For a stream on which nothing moves, instead of the connection manager's.
    pub idle: Option<Duration>,
    /// Limits of the whole exchange, instead of the connection manager's.
    pub stream: Option<StreamDuration>,
    /// `max_grpc_timeout` and `grpc_timeout_offset`, the older way to honour `grpc-timeout`.
    pub grpc: Option<(Duration, Option<Duration>)>,
}

/// `MaxStreamDuration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamDuration {
    /// For any exchange.
    pub max: Option<Duration>,
    /// Highest `grpc-timeout` that is honoured; zero is no cap.
    pub grpc_max: Option<Duration>,
    /// Subtracted from `grpc-timeout`.
    pub grpc_offset: Option<Duration>,
}

/// Envoy's default of `timeout`.
const RESPONSE: Duration = Duration::from_secs(15);

impl RouteTimeouts {
    /// Reads the fields of a `RouteAction`.
    pub fn read(reader: &Reader<'_>) -> Self {
        let stream = reader.message("max_stream_duration").map(|stream| StreamDuration {
            max: stream.duration("max_stream_duration"),
            grpc_max: stream.duration("grpc_timeout_header_max"),
            grpc_offset: stream.duration("grpc_timeout_header_offset"),
        });
        let offset = reader.duration("grpc_timeout_offset");
        Self {
            response: reader.duration("timeout").unwrap_or(RESPONSE),
            idle: reader.duration("idle_timeout"),
            stream,
            grpc: reader.duration("max_grpc_timeout").map(|max| (max, offset)),
        }
    }

    /// The time limit of a whole exchange: none when the route does not say (the connection manager's counts), zero for
    /// no limit.
    pub fn stream_limit(&self, head: &RequestHead) -> Option<Duration> {
        let stream = self.stream.as_ref()?;
        let asked = grpc_timeout(&head.headers);
        let (Some(mut limit), Some(cap)) = (asked, stream.grpc_max) else { return stream.max };
        if !cap.is_zero() && limit > cap {
            limit = cap;
        }
        if let Some(offset) = stream.grpc_offset.filter(|_| !limit.is_zero()) {
            limit = limit.saturating_sub(offset).max(Duration::from_nanos(1));
        }
        Some(limit)
    }

    /// The response timeout before `x-envoy-*` headers are looked at.
    pub fn response_limit(&self, head: &RequestHead) -> Duration {
        if self.stream.is_some() {
            return Duration::ZERO;
        }
        let Some((max, offset)) = self.grpc.filter(|_| head.is_grpc()) else { return self.response };
        let mut limit = grpc_timeout(&head.headers).unwrap_or(Duration::ZERO);
        if let Some(offset) = offset.filter(|offset| *offset < limit) {
            limit -= offset;
        }
        if !max.is_zero() && (limit.is_zero() || limit > max) { max } else { limit }
    }
}

/// The value of `grpc-timeout`: up to eight digits and a unit. Invalid ones are none.
pub fn grpc_timeout(headers: &Headers) -> Option<Duration> {
    let text = headers.text(&GRPC_TIMEOUT)?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let milliseconds = match unit {
        "H" => number.checked_mul(3_600_000)?,
        "M" => number.checked_mul(60_000)?,
        "S" => number.checked_mul(1000)?,
        "m" => number,
        "u" => number.div_ceil(1000),
        "n" => number.div_ceil(1_000_000),
        _ => return None,
    };
    Some(Duration::from_millis(milliseconds))
}

/// A duration as `grpc-timeout` writes it, in the finest unit that fits eight digits.
pub fn to_grpc_timeout(timeout: Duration) -> HeaderValue {
    let mut value = timeout.as_millis();
    for (unit, factor) in [("m", 1000), ("S", 60), ("M", 60), ("H", 1)] {
        if value < 100_000_000 || unit == "H" {
            let text = format!("{}{unit}", value.min(99_999_999));
            return HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("99999999H"));
        }
        value /= factor;
    }
    HeaderValue::from_static("99999999H")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{head, read};
    use super::*;

    fn timeouts(config: &Value) -> RouteTimeouts {
        let action = read("envoy.config.route.v3.RouteAction", config, |reader| {
            reader.ignore(&["cluster"]);
            Some(RouteTimeouts::read(reader))
        });
        action.unwrap()
    }

    fn grpc(timeout: &'static str) -> RequestHead {
        let mut head = head("POST", "h", "/s/m");
        head.headers.add(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        head.headers.add(GRPC_TIMEOUT, HeaderValue::from_static(timeout));
        head
    }

    #[test]
    fn grpc_timeouts_are_read_and_written() {
        let read = |text: &'static str| grpc_timeout(&grpc(text).headers).map(|timeout| timeout.as_millis());
        assert_eq!(read("2S"), Some(2000));
        assert_eq!(read("1u"), Some(1));
        assert_eq!(read("1H"), Some(3_600_000));
        assert_eq!((read("123456789m"), read("m"), read("-1m"), read("5"), read("")), (None, None, None, None, None));
        assert_eq!(to_grpc_timeout(Duration::from_millis(1500)), "1500m");
        assert_eq!(to_grpc_timeout(Duration::from_secs(200_000_000)), "3333333M");
    }

    #[test]
    fn the_stream_limit_follows_the_grpc_header_up_to_its_cap() {
        let config = json!({"cluster": "c", "max_stream_duration":
            {"max_stream_duration": "9s", "grpc_timeout_header_max": "3s", "grpc_timeout_header_offset": "1s"}});
        let timeouts = timeouts(&config);
        assert_eq!(timeouts.stream_limit(&grpc("5S")), Some(Duration::from_secs(2)));
        assert_eq!(timeouts.stream_limit(&head("GET", "h", "/")), Some(Duration::from_secs(9)));
        assert_eq!(timeouts.response_limit(&grpc("5S")), Duration::ZERO);
    }

    #[test]
    fn the_older_way_caps_and_offsets_too() {
        let timeouts = timeouts(&json!({"cluster": "c", "max_grpc_timeout": "3s", "grpc_timeout_offset": "1s"}));
        assert_eq!(timeouts.response_limit(&grpc("5S")), Duration::from_secs(3));
        assert_eq!(timeouts.response_limit(&grpc("2S")), Duration::from_secs(1));
        assert_eq!(timeouts.response_limit(&head("GET", "h", "/")), RESPONSE);
    }
}

//! The time limits of one exchange: the route's, changed by `x-envoy-*` fields of the request.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::http::{Headers, RequestHead};
use crate::route::{RetryPolicy, RouteTimeouts, names, to_grpc_timeout};

/// Time limits; zero is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// For the whole response, from the end of the request.
    pub(super) response: Duration,
    /// For one attempt.
    pub(super) per_try: Duration,
    /// For an attempt in which nothing comes.
    pub(super) per_try_idle: Duration,
    /// Status when time is up: 504, or what the request asks for.
    pub(super) status: StatusCode,
}

impl Limits {
    /// The limits for a request. Fields that only speak to this proxy are removed.
    pub(super) fn take(
        route: &RouteTimeouts,
        retry: Option<&RetryPolicy>,
        respect_expected: bool,
        head: &mut RequestHead,
    ) -> Self {
        let mut response = route.response_limit(head);
        let headers = &mut head.headers;
        let expected = if respect_expected { milliseconds(headers, &names::EXPECTED_TIMEOUT) } else { None };
        let asked = milliseconds(headers, &names::TIMEOUT);
        if let Some(asked) = expected.or(asked) {
            response = asked;
        }
        if asked.is_some() {
            headers.remove(&names::TIMEOUT);
        }
        let mut per_try = retry.map_or(Duration::ZERO, |retry| retry.per_try);
        if let Some(asked) = milliseconds(headers, &names::PER_TRY_TIMEOUT) {
            per_try = asked;
        }
        headers.remove(&names::PER_TRY_TIMEOUT);
        if per_try >= response && !response.is_zero() {
            per_try = Duration::ZERO;
        }
        let alternative = headers.remove(&names::TIMEOUT_ALT_RESPONSE) > 0;
        let status = if alternative { StatusCode::NO_CONTENT } else { StatusCode::GATEWAY_TIMEOUT };
        Self { response, per_try, per_try_idle: retry.map_or(Duration::ZERO, |retry| retry.per_try_idle), status }
    }

    /// Tells the upstream how long its answer is waited for. `elapsed` is the time since the request was complete.
    pub(super) fn announce(&self, route: &RouteTimeouts, elapsed: Duration, rules: Announce, head: &mut RequestHead) {
        let mut expected = if self.per_try.is_zero() { self.response } else { self.per_try };
        if expected.is_zero() {
            return;
        }
        if !self.response.is_zero() {
            // Out of time, but 0 would be no limit at all.
            let rest = self.response.checked_sub(elapsed).filter(|rest| rest.as_millis() > 0);
            expected = expected.min(rest.unwrap_or(Duration::from_millis(1)));
        }
        if rules.insert && !(rules.keep && head.headers.has(&names::EXPECTED_TIMEOUT)) {
            let value = u64::try_from(expected.as_millis()).unwrap_or(u64::MAX);
            head.headers.set(names::EXPECTED_TIMEOUT, value.into());
        }
        if route.grpc.is_some() && route.stream.is_none() && head.is_grpc() {
            head.headers.set(HeaderName::from_static("grpc-timeout"), to_grpc_timeout(expected));
        }
    }
}

/// Whether `x-envoy-expected-rq-timeout-ms` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announce {
    /// At all.
    pub(super) insert: bool,
    /// Not over one that came with the request.
    pub(super) keep: bool,
}

/// A field as a number of milliseconds.
fn milliseconds(headers: &Headers, name: &HeaderName) -> Option<Duration> {
    headers.get(name).and_then(number).map(Duration::from_millis)
}

/// A field as a number.
pub(super) fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::head;
    use super::*;

    fn route(response: u64) -> RouteTimeouts {
        RouteTimeouts { response: Duration::from_millis(response), idle: None, stream: None, grpc: None }
    }

    #[test]
    fn the_request_can_change_the_limits() {
        let mut head = head(
            "GET",
            "/",
            &[("x-envoy-upstream-rq-timeout-ms", "500"), ("x-envoy-upstream-rq-per-try-timeout-ms", "100")],
        );
        let limits = Limits::take(&route(1000), None, false, &mut head);
        assert_eq!((limits.response.as_millis(), limits.per_try.as_millis()), (500, 100));
        assert!(head.headers.is_empty(), "the fields do not go upstream");
        limits.announce(&route(1000), Duration::from_millis(450), Announce { insert: true, keep: false }, &mut head);
        assert_eq!(head.headers.text(&names::EXPECTED_TIMEOUT), Some("50"));
    }

    #[test]
    fn a_try_longer_than_the_whole_counts_for_nothing() {
        let policy = RetryPolicy { per_try: Duration::from_secs(2), ..RetryPolicy::default() };
        let mut head = head("GET", "/", &[("x-envoy-upstream-rq-timeout-alt-response", "1")]);
        let limits = Limits::take(&route(1000), Some(&policy), false, &mut head);
        assert_eq!((limits.per_try, limits.status), (Duration::ZERO, StatusCode::NO_CONTENT));
        assert_eq!(Limits::take(&route(0), Some(&policy), false, &mut head).per_try, Duration::from_secs(2));
    }
}

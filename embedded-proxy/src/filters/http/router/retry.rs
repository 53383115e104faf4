//! Whether, when and how often a failed attempt is repeated.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cluster::pool::Priority;
use crate::cluster::{Cluster, Permit, UpstreamError, UpstreamErrorKind};
use crate::http::{RequestHead, ResponseHead};
use crate::matching::{Field, Fields as _};
use crate::route::{RetryOn, RetryPolicy, TrafficStats, names};

use super::timeouts::number;

/// Retries of one exchange.
#[derive(Debug)]
pub(super) struct Retries {
    policy: Arc<RetryPolicy>,
    on: RetryOn,
    left: u64,
    /// Retries made.
    made: u32,
    codes: Vec<u16>,
    fields: Vec<Field>,
    /// Held while a retry is on its way.
    permit: Option<Permit>,
}

/// What is counted beside the cluster: the virtual cluster and the route.
pub(super) type Traffic<'t> = [Option<&'t Arc<TrafficStats>>; 2];

/// How an attempt failed.
#[derive(Debug)]
pub(super) enum Failure<'f> {
    /// There is a response.
    Response(&'f ResponseHead),
    /// There is none.
    Reset(&'f UpstreamError),
    /// It took too long.
    Timeout,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try again after a while.
    Again(Duration),
    /// It is none of the policy's conditions.
    No,
    /// The policy allows no more.
    LimitExceeded,
    /// A circuit breaker does not allow it.
    Overflow,
}

impl Retries {
    /// The retries of a request, none when neither policy nor request ask for any. Fields that only speak to this proxy
    /// are removed.
    pub(super) fn take(policy: Option<&Arc<RetryPolicy>>, head: &mut RequestHead) -> Option<Self> {
        let headers = &mut head.headers;
        let http = RetryOn::of_http(headers.text(&names::RETRY_ON).unwrap_or_default());
        let asked = http.union(RetryOn::of_grpc(headers.text(&names::RETRY_GRPC_ON).unwrap_or_default()));
        let max = headers.get(&names::MAX_RETRIES).and_then(number);
        let codes = headers.text(&names::RETRIABLE_STATUS_CODES).unwrap_or_default().split(',');
        let codes = codes.filter_map(|code| code.trim().parse().ok()).collect();
        let fields = headers.text(&names::RETRIABLE_HEADER_NAMES).unwrap_or_default().split(',');
        let fields = fields.filter_map(|name| Field::new(name.trim())).collect();
        for name in [
            &names::RETRY_ON,
            &names::RETRY_GRPC_ON,
            &names::MAX_RETRIES,
            &names::HEDGE_ON_TIMEOUT,
            &names::RETRIABLE_HEADER_NAMES,
            &names::RETRIABLE_STATUS_CODES,
        ] {
            headers.remove(name);
        }
        let mut on = policy.map_or(RetryOn::NONE, |policy| policy.on).union(asked);
        if on.is_empty() {
            return None;
        }
        let policy = policy.cloned().unwrap_or_default();
        if !policy.request_headers.is_empty() && !policy.request_headers.iter().any(|matcher| matcher.matches(head)) {
            on = RetryOn::NONE;
        }
        let left = max.filter(|_| !on.is_empty()).unwrap_or(policy.retries.into());
        Some(Self { policy, on, left, made: 0, codes, fields, permit: None })
    }

    /// The policy.
    pub(super) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Decides after an attempt, and counts.
    pub(super) fn decide(
        &mut self,
        failure: &Failure<'_>,
        cluster: &Cluster,
        priority: Priority,
        traffic: Traffic<'_>,
    ) -> Verdict {
        let wanted = self.wants(failure);
        let stats = &cluster.requests;
        let had_permit = self.permit.take().is_some();
        if !wanted {
            if had_permit && matches!(failure, Failure::Response(_)) {
                stats.retry_success.inc();
                each(traffic, |stats| stats.retry_success.inc());
            }
            return Verdict::No;
        }
        if self.left == 0 {
            stats.retry_limit_exceeded.inc();
            each(traffic, |stats| stats.retry_limit_exceeded.inc());
            return Verdict::LimitExceeded;
        }
        self.left -= 1;
        let Some(permit) = cluster.breakers(priority).try_retry() else {
            stats.retry_overflow.inc();
            each(traffic, |stats| stats.retry_overflow.inc());
            return Verdict::Overflow;
        };
        self.permit = Some(permit);
        stats.retry.inc();
        each(traffic, |stats| stats.retry.inc());
        let wait = self.wait(failure, cluster);
        self.made += 1;
        Verdict::Again(wait)
    }

    fn wait(&self, failure: &Failure<'_>, cluster: &Cluster) -> Duration {
        let random = fastrand::u64(..);
        if let (Failure::Response(head), Some(reset)) = (failure, &self.policy.reset)
            && let Some(wait) = reset.wait(&head.headers, SystemTime::now(), random)
        {
            cluster.requests.retry_backoff_ratelimited.inc();
            return wait;
        }
        cluster.requests.retry_backoff_exponential.inc();
        self.policy.wait(self.made, random)
    }

    fn wants(&self, failure: &Failure<'_>) -> bool {
        match failure {
            Failure::Response(head) => self.wants_after(head),
            Failure::Reset(error) => self.wants_after_reset(error),
            Failure::Timeout => self.on.has(RetryOn::RESET.union(RetryOn::SERVER_ERROR).union(RetryOn::GATEWAY_ERROR)),
        }
    }

    fn wants_after(&self, head: &ResponseHead) -> bool {
        if head.headers.has(&names::RATE_LIMITED) {
            return self.on.has(RetryOn::RATE_LIMITED);
        }
        let status = head.status.as_u16();
        let listed = |codes: &[u16]| codes.contains(&status);
        (self.on.has(RetryOn::SERVER_ERROR) && status >= 500)
            || (self.on.has(RetryOn::GATEWAY_ERROR) && (502..=504).contains(&status))
            || (self.on.has(RetryOn::RETRIABLE_4XX) && status == 409)
            || (self.on.has(RetryOn::STATUS_CODES) && (listed(&self.policy.codes) || listed(&self.codes)))
            || (self.on.has(RetryOn::HEADERS) && self.has_retriable_field(head))
            || (self.on.looks_at_grpc() && grpc_status(head).is_some_and(|status| self.on.takes_grpc(status)))
    }

    fn has_retriable_field(&self, head: &ResponseHead) -> bool {
        self.policy.headers.iter().any(|matcher| matcher.matches(head))
            || self.fields.iter().any(|field| head.value(field).is_some())
    }

    fn wants_after_reset(&self, error: &UpstreamError) -> bool {
        let whole = RetryOn::RESET.union(RetryOn::SERVER_ERROR).union(RetryOn::GATEWAY_ERROR);
        match error.kind {
            // More load would make it worse, and the client's own fault is not mended by asking again.
            UpstreamErrorKind::Overflow | UpstreamErrorKind::Request(_) => return false,
            UpstreamErrorKind::ConnectFailure | UpstreamErrorKind::ConnectTimeout
                if self.on.has(RetryOn::CONNECT_FAILURE) =>
            {
                return true;
            }
            UpstreamErrorKind::Refused if self.on.has(RetryOn::REFUSED_STREAM) => return true,
            _ => {}
        }
        self.on.has(whole) || (!error.sent && self.on.has(RetryOn::RESET_BEFORE_REQUEST))
    }
}

/// `grpc-status` among the fields of a response: gRPC has it there when it answers without a body.
fn grpc_status(head: &ResponseHead) -> Option<u32> {
    head.headers.text(&names::GRPC_STATUS)?.trim().parse().ok()
}

/// Calls `count` for the stats that exist.
pub(super) fn each(traffic: Traffic<'_>, count: impl Fn(&TrafficStats)) {
    for stats in traffic.into_iter().flatten() {
        count(stats);
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::super::super::testing::{build, head};
    use super::*;
    use crate::cluster::testing::{apply, assignment};

    fn retries(policy: &RetryPolicy, fields: &[(&str, &str)]) -> Option<Retries> {
        Retries::take(Some(&Arc::new(policy.clone())), &mut head("GET", "/", fields))
    }

    fn on(words: &str) -> Retries {
        retries(&RetryPolicy { on: RetryOn::parse(words), ..RetryPolicy::default() }, &[]).unwrap()
    }

    fn after(words: &str, status: u16, fields: &[(&'static str, &'static str)]) -> bool {
        let mut response = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        for (name, value) in fields {
            response.headers.add(http::HeaderName::from_static(name), http::HeaderValue::from_static(value));
        }
        on(words).wants(&Failure::Response(&response))
    }

    #[test]
    fn every_word_has_its_responses() {
        assert!(after("5xx", 500, &[]) && !after("5xx", 499, &[]));
        assert!(after("gateway-error", 503, &[]) && !after("gateway-error", 500, &[]));
        assert!(after("retriable-4xx", 409, &[]) && !after("retriable-4xx", 408, &[]));
        assert!(
            after("unavailable", 200, &[("grpc-status", "14")]) && !after("unavailable", 200, &[("grpc-status", "13")])
        );
        assert!(!after("5xx", 503, &[("x-envoy-ratelimited", "true")]));
        assert!(after("envoy-ratelimited", 429, &[("x-envoy-ratelimited", "true")]));
    }

    #[test]
    fn every_word_has_its_resets() {
        use UpstreamErrorKind::{ConnectFailure, Disconnected, Overflow, Refused};
        let after = |words: &str, kind| on(words).wants(&Failure::Reset(&UpstreamError::sent(kind, "")));
        assert!(after("connect-failure", ConnectFailure) && !after("connect-failure", Disconnected));
        assert!(after("refused-stream", Refused) && !after("refused-stream", Disconnected));
        assert!(after("reset", Disconnected) && after("5xx", Disconnected) && after("gateway-error", Disconnected));
        assert!(!after("reset,5xx", Overflow), "never more load on what is full");
        let before = |kind| on("reset-before-request").wants(&Failure::Reset(&UpstreamError::unsent(kind, "")));
        assert!(before(Disconnected) && !after("reset-before-request", Disconnected));
        assert!(on("5xx").wants(&Failure::Timeout) && !on("connect-failure").wants(&Failure::Timeout));
    }

    #[test]
    fn the_request_can_ask_for_retries() {
        let none = RetryPolicy::default();
        assert!(retries(&none, &[]).is_none());
        let asked = retries(
            &none,
            &[
                ("x-envoy-retry-on", "retriable-status-codes"),
                ("x-envoy-max-retries", "7"),
                ("x-envoy-retriable-status-codes", "418, 500"),
            ],
        );
        let asked = asked.unwrap();
        assert_eq!((asked.left, asked.codes.as_slice()), (7, [418, 500].as_slice()));
        assert!(asked.wants(&Failure::Response(&ResponseHead::new(StatusCode::IM_A_TEAPOT))));
    }

    #[tokio::test]
    async fn retries_end_with_the_policy_or_the_breaker() {
        let build = build();
        let breakers = json!({"thresholds": [{"max_retries": 0}]});
        let hosts = assignment(&[("10.0.0.1", 1, 1)]);
        let free = apply(&json!({"name": "c", "load_assignment": hosts}), &build);
        let full = apply(&json!({"name": "d", "load_assignment": hosts, "circuit_breakers": breakers}), &build);
        let failed = ResponseHead::new(StatusCode::SERVICE_UNAVAILABLE);
        let mut retries = on("5xx");
        let mut decide = |cluster: &Arc<Cluster>, head: &ResponseHead| {
            retries.decide(&Failure::Response(head), cluster, Priority::Default, [None, None])
        };
        assert!(matches!(decide(&free, &failed), Verdict::Again(wait) if wait < Duration::from_millis(25)));
        assert_eq!(free.breakers(Priority::Default).retries().used(), 1);
        assert_eq!(decide(&free, &failed), Verdict::LimitExceeded);
        assert_eq!(free.breakers(Priority::Default).retries().used(), 0);
        assert_eq!((free.requests.retry.value(), free.requests.retry_limit_exceeded.value()), (1, 1));
        let verdict = on("5xx").decide(&Failure::Response(&failed), &full, Priority::Default, [None, None]);
        assert_eq!((verdict, full.requests.retry_overflow.value()), (Verdict::Overflow, 1));
    }
}

//! Stats of the requests that a router sent to a cluster.

use std::sync::{Arc, OnceLock};

use http::StatusCode;

use crate::telemetry::stats::{Codes, Counter, Histogram, Scope};

/// What a response counts as, beside its code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// The request came from inside.
    pub internal: bool,
    /// The host, or the response itself, says that it is a canary.
    pub canary: bool,
}

/// A part of the traffic that is counted apart: `internal.`, `external.`, `canary.`.
#[derive(Debug)]
struct Part {
    codes: Codes,
    time: Arc<Histogram>,
}

/// The stats, `cluster.NAME.upstream_rq_*`.
#[derive(Debug)]
pub struct RequestStats {
    scope: Scope,
    all: Part,
    internal: OnceLock<Part>,
    external: OnceLock<Part>,
    canary: OnceLock<Part>,
    retried: OnceLock<Codes>,
    /// Retries.
    pub retry: Arc<Counter>,
    /// Retries that no more were allowed for.
    pub retry_limit_exceeded: Arc<Counter>,
    /// Retries that a circuit breaker stopped.
    pub retry_overflow: Arc<Counter>,
    /// Retries after which a request went well.
    pub retry_success: Arc<Counter>,
    /// Retries after a time of the policy's own.
    pub retry_backoff_exponential: Arc<Counter>,
    /// Retries after a time that the response said.
    pub retry_backoff_ratelimited: Arc<Counter>,
    /// Retries and copies given up because the request is larger than what is kept.
    pub retry_or_shadow_abandoned: Arc<Counter>,
    /// Requests that took too long.
    pub timeout: Arc<Counter>,
    /// Attempts that took too long.
    pub per_try_timeout: Arc<Counter>,
    /// Attempts in which nothing moved for too long.
    pub per_try_idle_timeout: Arc<Counter>,
    /// Redirects that were followed.
    pub internal_redirect_succeeded: Arc<Counter>,
    /// Redirects that were not.
    pub internal_redirect_failed: Arc<Counter>,
}

impl Part {
    fn new(scope: Scope) -> Self {
        Self { time: scope.histogram("upstream_rq_time"), codes: Codes::new(scope) }
    }
}

impl RequestStats {
    /// Under the scope of a cluster.
    pub fn new(scope: &Scope) -> Self {
        Self {
            all: Part::new(scope.clone()),
            internal: OnceLock::new(),
            external: OnceLock::new(),
            canary: OnceLock::new(),
            retried: OnceLock::new(),
            retry: scope.counter("upstream_rq_retry"),
            retry_limit_exceeded: scope.counter("upstream_rq_retry_limit_exceeded"),
            retry_overflow: scope.counter("upstream_rq_retry_overflow"),
            retry_success: scope.counter("upstream_rq_retry_success"),
            retry_backoff_exponential: scope.counter("upstream_rq_retry_backoff_exponential"),
            retry_backoff_ratelimited: scope.counter("upstream_rq_retry_backoff_ratelimited"),
            retry_or_shadow_abandoned: scope.counter("retry_or_shadow_abandoned"),
            timeout: scope.counter("upstream_rq_timeout"),
            per_try_timeout: scope.counter("upstream_rq_per_try_timeout"),
            per_try_idle_timeout: scope.counter("upstream_rq_per_try_idle_timeout"),
            internal_redirect_succeeded: scope.counter("upstream_internal_redirect_succeeded_total"),
            internal_redirect_failed: scope.counter("upstream_internal_redirect_failed_total"),
            scope: scope.clone(),
        }
    }

    fn parts(&self, origin: Origin) -> impl Iterator<Item = &Part> {
        let part = |name: &'static str| move || Part::new(self.scope.sub(name));
        let side = if origin.internal {
            self.internal.get_or_init(part("internal"))
        } else {
            self.external.get_or_init(part("external"))
        };
        let canary = origin.canary.then(|| self.canary.get_or_init(part("canary")));
        [&self.all, side].into_iter().chain(canary)
    }

    /// Counts a response, or the lack of one under the status that the client gets.
    pub fn count(&self, status: StatusCode, origin: Origin) {
        for part in self.parts(origin) {
            part.codes.count(status);
        }
    }

    /// Counts a response that the client does not see because the request is sent again.
    pub fn count_retried(&self, status: StatusCode) {
        self.retried.get_or_init(|| Codes::new(self.scope.sub("retry"))).count(status);
    }

    /// Notes the milliseconds from the end of a request to the end of its response.
    pub fn time(&self, milliseconds: f64, origin: Origin) {
        for part in self.parts(origin) {
            part.time.record(milliseconds);
        }
    }
}

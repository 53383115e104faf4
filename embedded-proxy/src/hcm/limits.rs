//! How long an exchange may take: `max_stream_duration`, the time in which nothing moves, and what codecs do not wait for.

use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Hcm;
use crate::http::{Reply, StreamError};
use crate::route::RouteHit;
use crate::stream::{Exchange, Flag};

/// The end of an exchange's time, and what its passing means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// When.
    pub end: Instant,
    /// True for the whole duration, false for silence.
    pub whole: bool,
}

impl Limit {
    /// The answer when there is no response in time.
    pub fn reply(self) -> Reply {
        let status = StatusCode::GATEWAY_TIMEOUT;
        if self.whole {
            Reply::new(status, "max_duration_timeout", "downstream duration timeout")
        } else {
            Reply::new(status, "stream_idle_timeout", "stream timeout").flag(Flag::StreamIdleTimeout)
        }
    }
}

/// Where a codec notes that it gives a request up whose body does not arrive in time. Whoever reads the body gets the same
/// error; this is for requests that wait for something else.
#[derive(Debug, Default)]
pub struct Overdue(Mutex<Option<StreamError>>);

impl Overdue {
    /// Gives the request up. It is answered when it is polled next.
    pub fn set(&self, why: StreamError) {
        *self.0.lock() = Some(why);
    }

    pub(super) fn why(&self) -> Option<StreamError> {
        *self.0.lock()
    }
}

impl Hcm {
    /// The limit of an exchange: what the route says counts before the connection manager's word, and zero is no limit.
    /// Silence is only limited here where the route's timeout does not end the wait earlier.
    pub(super) fn limit(&self, exchange: &Exchange) -> Option<Limit> {
        let began = exchange.info.started;
        let hit = exchange.route.as_ref();
        let whole = hit.and_then(|hit| hit.stream_limit(&exchange.request.head)).or(self.timeouts.max_stream);
        let whole = whole.filter(|limit| !limit.is_zero()).map(|limit| Limit { end: began + limit, whole: true });
        let idle = hit.and_then(RouteHit::idle_limit).or(self.timeouts.stream_idle);
        let idle = idle.filter(|limit| !limit.is_zero() && exchange.request.body.is_empty());
        let sooner = |idle: &std::time::Duration| {
            let response = hit.and_then(|hit| hit.forward()).map(|forward| forward.timeouts.response);
            response.is_some_and(|response| response.is_zero() || response > *idle)
        };
        let idle = idle.filter(sooner).map(|limit| Limit { end: began + limit, whole: false });
        [whole, idle].into_iter().flatten().min_by_key(|limit| limit.end)
    }
}

//! `strict_check_headers`: requests whose control fields are malformed are refused.

use http::{HeaderName, StatusCode};

use crate::http::{Reply, RequestHead};
use crate::route::{RetryOn, names};
use crate::stream::Flag;

use super::timeouts::number;

/// A field that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strict {
    Timeout,
    PerTryTimeout,
    MaxRetries,
    RetryOn,
    RetryGrpcOn,
}

impl Strict {
    /// The check of a field, none when it has none.
    pub(super) fn new(name: &str) -> Option<Self> {
        let all = [Self::Timeout, Self::PerTryTimeout, Self::MaxRetries, Self::RetryOn, Self::RetryGrpcOn];
        all.into_iter().find(|check| check.field() == name)
    }

    fn field(self) -> HeaderName {
        match self {
            Self::Timeout => names::TIMEOUT,
            Self::PerTryTimeout => names::PER_TRY_TIMEOUT,
            Self::MaxRetries => names::MAX_RETRIES,
            Self::RetryOn => names::RETRY_ON,
            Self::RetryGrpcOn => names::RETRY_GRPC_ON,
        }
    }

    /// The reply to a request whose field is malformed.
    pub(super) fn refuses(self, head: &RequestHead) -> Option<Reply> {
        let field = self.field();
        let value = head.headers.get(&field)?;
        let text = value.to_str().unwrap_or_default();
        let known = |parse: fn(&str) -> RetryOn| text.split(',').all(|word| !parse(word).is_empty());
        let fine = match self {
            Self::Timeout | Self::PerTryTimeout | Self::MaxRetries => number(value).is_some(),
            Self::RetryOn => known(RetryOn::of_http),
            Self::RetryGrpcOn => known(RetryOn::of_grpc),
        };
        if fine {
            return None;
        }
        let body = format!("invalid header '{field}' with value '{text}'");
        let details = format!("request_headers_failed_strict_check{{{field}}}");
        Some(Reply::new(StatusCode::BAD_REQUEST, details, body).flag(Flag::InvalidEnvoyRequestHeaders))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::head;
    use super::*;

    #[test]
    fn malformed_fields_are_refused_by_name() {
        let refuses = |field: &str, value: &str| {
            Strict::new(field).unwrap().refuses(&head("GET", "/", &[(field, value)])).map(|reply| reply.body)
        };
        let body = refuses("x-envoy-upstream-rq-timeout-ms", "10s");
        assert_eq!(body.unwrap(), "invalid header 'x-envoy-upstream-rq-timeout-ms' with value '10s'");
        assert!(refuses("x-envoy-retry-on", "5xx,nonsense").is_some());
        assert!(refuses("x-envoy-retry-on", "5xx,reset").is_none() && refuses("x-envoy-max-retries", "3").is_none());
        assert!(Strict::new("x-other").is_none());
    }
}

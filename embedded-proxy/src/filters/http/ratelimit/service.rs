//! Asking the rate limit service.

use std::time::Duration;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::HeaderValue as PbHeader;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::{Entry, RateLimitOverride};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::DescriptorStatus;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::envoy::r#type::v3::RateLimitUnit;
use envoy_types::pb::google::protobuf::UInt64Value;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::filters::http::structs::from_struct;
use crate::grpc::Channel;
use crate::http::Headers;
use crate::route::Descriptor;

/// What the service decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// The request may go on.
    Ok,
    /// It is one too many.
    OverLimit,
    /// The service could not be asked.
    Error,
}

impl Code {
    /// Name of its counter.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OverLimit => "over_limit",
            Self::Error => "error",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) code: Code,
    /// Fields for the response and for the request.
    pub(super) response: Headers,
    pub(super) request: Headers,
    pub(super) body: Bytes,
    pub(super) metadata: Map<String, Value>,
    /// `x-ratelimit-limit`, tokens left and seconds until there are more, of the limit that is nearest.
    pub(super) nearest: Option<(HeaderValue, u64, u64)>,
}

impl Answer {
    /// An answer without anything else.
    pub(super) fn of(code: Code) -> Self {
        let (response, request) = (Headers::new(), Headers::new());
        Self { code, response, request, body: Bytes::new(), metadata: Map::new(), nearest: None }
    }
}

/// Asks the service about a request.
pub(super) async fn ask(channel: &Channel, timeout: Duration, domain: String, all: Vec<Descriptor>) -> Answer {
    let descriptors = all.into_iter().map(descriptor).collect();
    let request = RateLimitRequest { domain, descriptors, hits_addend: 0 };
    let mut client = RateLimitServiceClient::new(channel.clone());
    match tokio::time::timeout(timeout, client.should_rate_limit(request)).await {
        Ok(Ok(response)) => answer(response.into_inner()),
        Ok(Err(status)) => {
            tracing::debug!(cluster = channel.cluster(), %status, "the rate limit service failed");
            Answer::of(Code::Error)
        }
        Err(_) => Answer::of(Code::Error),
    }
}

fn descriptor(descriptor: Descriptor) -> RateLimitDescriptor {
    let entry = |(key, value)| Entry { key, value };
    let limit = descriptor.limit.map(|(requests_per_unit, unit)| RateLimitOverride {
        requests_per_unit,
        unit: RateLimitUnit::from_str_name(&unit).unwrap_or(RateLimitUnit::Unknown).into(),
    });
    RateLimitDescriptor {
        entries: descriptor.entries.into_iter().map(entry).collect(),
        limit,
        hits_addend: descriptor.hits.map(|value| UInt64Value { value }),
        is_negative_hits: descriptor.negative,
    }
}

fn answer(response: RateLimitResponse) -> Answer {
    // An unknown code is no permission to refuse, and none to pass in silence either.
    let mut answer = Answer::of(match response.overall_code {
        1 => Code::Ok,
        2 => Code::OverLimit,
        _ => Code::Error,
    });
    answer.response = fields(response.response_headers_to_add);
    answer.request = fields(response.request_headers_to_add);
    answer.body = response.raw_body.into();
    answer.metadata = response.dynamic_metadata.map(from_struct).unwrap_or_default();
    answer.nearest = nearest(&response.statuses);
    answer
}

fn fields(headers: Vec<PbHeader>) -> Headers {
    let field = |header: PbHeader| {
        let value = if header.raw_value.is_empty() { header.value.into_bytes() } else { header.raw_value };
        Some((HeaderName::from_bytes(header.key.as_bytes()).ok()?, HeaderValue::from_bytes(&value).ok()?))
    };
    headers.into_iter().filter_map(field).collect()
}

/// The limit with the least left; the policies of all limits stand behind its number.
fn nearest(statuses: &[DescriptorStatus]) -> Option<(HeaderValue, u64, u64)> {
    let mut policies = String::new();
    let limits = statuses.iter().filter_map(|status| Some((status, status.current_limit.as_ref()?)));
    for (_, limit) in limits.clone() {
        let window = match limit.unit {
            1 => 1,
            2 => 60,
            3 => 3600,
            4 => 24 * 3600,
            _ => continue,
        };
        policies.push_str(&format!(", {};w={window}", limit.requests_per_unit));
        if !limit.name.is_empty() {
            policies.push_str(&format!(";name=\"{}\"", limit.name));
        }
    }
    let (status, limit) = limits.min_by_key(|(status, _)| status.limit_remaining)?;
    let value = HeaderValue::from_str(&format!("{}{policies}", limit.requests_per_unit)).ok()?;
    let reset = status.duration_until_reset.as_ref().map_or(0, |until| u64::try_from(until.seconds).unwrap_or(0));
    Some((value, status.limit_remaining.into(), reset))
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::RateLimit;

    use super::*;

    #[test]
    fn the_nearest_limit_is_told_with_all_policies() {
        let status = |name: &str, requests_per_unit, unit, limit_remaining| DescriptorStatus {
            current_limit: Some(RateLimit { name: name.into(), requests_per_unit, unit }),
            limit_remaining,
            ..DescriptorStatus::default()
        };
        let (limit, remaining, _) = nearest(&[status("ip", 10, 1, 4), status("", 1000, 3, 2)]).unwrap();
        assert_eq!((limit.to_str().unwrap(), remaining), ("1000, 10;w=1;name=\"ip\", 1000;w=3600", 2));
        assert!(nearest(&[]).is_none());
    }

    #[test]
    fn answers_are_read() {
        let response =
            RateLimitResponse { overall_code: 2, raw_body: b"slow".to_vec(), ..RateLimitResponse::default() };
        let answer = answer(response);
        assert_eq!((answer.code, &answer.body[..]), (Code::OverLimit, &b"slow"[..]));
    }
}

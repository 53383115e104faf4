//! A rate limit service that does what the descriptor entry `case` says, and tells all descriptors that it got.

use std::time::Duration;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{
    Code, DescriptorStatus, RateLimit, rate_limit::Unit,
};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitService;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf;
use tonic::{Request, Response, Status};

use super::{header, metadata};

/// The service.
#[derive(Debug)]
pub struct Limits;

#[tonic::async_trait]
impl RateLimitService for Limits {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let request = request.into_inner();
        let entries = request.descriptors.iter().flat_map(|descriptor| &descriptor.entries);
        let case = entries.filter(|entry| entry.key == "case").map(|entry| entry.value.clone()).next();
        let told: Vec<String> = request.descriptors.iter().map(describe).collect();
        let told = format!("{} {} {}", request.domain, request.hits_addend, told.join(" "));
        let mut answer = RateLimitResponse {
            overall_code: Code::Ok.into(),
            request_headers_to_add: vec![header("x-told", &told)],
            response_headers_to_add: vec![header("x-back", "limits")],
            ..RateLimitResponse::default()
        };
        match case.as_deref().unwrap_or("ok") {
            "ok" => {}
            "draft" => answer.statuses = statuses(Code::Ok),
            "over" => answer.overall_code = Code::OverLimit.into(),
            "over-draft" => {
                answer.overall_code = Code::OverLimit.into();
                answer.statuses = statuses(Code::OverLimit);
                answer.raw_body = b"too many".to_vec();
                answer.response_headers_to_add.push(header("content-type", "text/html"));
            }
            "metadata" => answer.dynamic_metadata = Some(metadata("who", "alice")),
            "unknown" => answer.overall_code = Code::Unknown.into(),
            "slow" => tokio::time::sleep(Duration::from_millis(900)).await,
            other => return Err(Status::internal(other.to_string())),
        }
        Ok(Response::new(answer))
    }
}

fn describe(descriptor: &RateLimitDescriptor) -> String {
    let entries: Vec<String> =
        descriptor.entries.iter().map(|entry| format!("{}={}", entry.key, entry.value)).collect();
    let limit = descriptor.limit.as_ref().map(|limit| format!(" limit {}/{}", limit.requests_per_unit, limit.unit));
    let hits = descriptor.hits_addend.as_ref().map(|hits| format!(" hits {}", hits.value));
    format!("({}{}{})", entries.join(","), limit.unwrap_or_default(), hits.unwrap_or_default())
}

/// Two limits, of which the second is nearer.
fn statuses(code: Code) -> Vec<DescriptorStatus> {
    let status = |name: &str, unit: Unit, remaining, seconds| DescriptorStatus {
        code: code.into(),
        current_limit: Some(RateLimit { name: name.into(), requests_per_unit: 10, unit: unit.into() }),
        limit_remaining: remaining,
        duration_until_reset: Some(protobuf::Duration { seconds, nanos: 0 }),
        ..DescriptorStatus::default()
    };
    let near = if code == Code::OverLimit { 0 } else { 3 };
    vec![status("first", Unit::Hour, 7, 100), status("", Unit::Minute, near, 20), DescriptorStatus::default()]
}

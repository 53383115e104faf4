//! Authorization services that speak gRPC.

use std::time::Duration;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse};
use http::StatusCode;

use super::answer::{Answer, Outcome};
use crate::filters::http::edit::{Edit, How};
use crate::filters::http::structs::from_struct;
use crate::grpc::Channel;

/// Asks the service.
pub(super) async fn check(channel: &Channel, timeout: Duration, request: CheckRequest) -> Answer {
    let mut client = AuthorizationClient::new(channel.clone());
    match tokio::time::timeout(timeout, client.check(request)).await {
        Ok(Ok(response)) => answer(response.into_inner()),
        Ok(Err(status)) => {
            tracing::debug!(cluster = channel.cluster(), %status, "the authorization service failed");
            Answer::of(Outcome::Error)
        }
        Err(_) => Answer::of(Outcome::Error),
    }
}

fn answer(response: CheckResponse) -> Answer {
    let allowed = response.status.as_ref().is_none_or(|status| status.code == 0);
    let mut answer = match response.http_response {
        Some(HttpResponse::OkResponse(ok)) if allowed => accept(ok),
        _ if allowed => Answer::of(Outcome::Allowed),
        Some(HttpResponse::DeniedResponse(denied)) => deny(denied),
        _ => Answer::denied(StatusCode::FORBIDDEN, Bytes::new()),
    };
    if let Some(metadata) = response.dynamic_metadata {
        answer.metadata = from_struct(metadata);
    }
    answer
}

/// Name, value, whether `append` was said, and the action that counts when it was not.
#[allow(deprecated)] // Services still say `append`.
fn parts(option: HeaderValueOption) -> (String, Vec<u8>, Option<bool>, i32) {
    let header = option.header.unwrap_or_default();
    let value = if header.raw_value.is_empty() { header.value.into_bytes() } else { header.raw_value };
    (header.key, value, option.append.map(|append| append.value), option.append_action)
}

#[allow(deprecated)] // Services still answer with the old metadata field.
fn accept(ok: OkHttpResponse) -> Answer {
    let mut answer = Answer::of(Outcome::Allowed);
    for option in ok.headers {
        let (name, value, append, _) = parts(option);
        let how = if append == Some(true) { How::Append } else { How::Set };
        answer.edits.push(Edit { name, value, how });
    }
    for option in ok.response_headers_to_add {
        let (name, value, append, action) = parts(option);
        let how = match (append, action) {
            (Some(true), _) | (None, 0) => How::Add,
            (Some(false), _) | (None, 2) => How::Set,
            (None, 1) => How::AddIfAbsent,
            (None, _) => How::OverwriteIfExists,
        };
        answer.response.push(Edit { name, value, how });
    }
    answer.removes = ok.headers_to_remove;
    let set = ok.query_parameters_to_set.into_iter().map(|parameter| (parameter.key, parameter.value));
    answer.query = (set.collect(), ok.query_parameters_to_remove);
    answer.metadata = ok.dynamic_metadata.map(from_struct).unwrap_or_default();
    answer
}

fn deny(denied: DeniedHttpResponse) -> Answer {
    let code = denied.status.and_then(|status| u16::try_from(status.code).ok()).filter(|code| *code >= 200);
    let status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::FORBIDDEN);
    let mut answer = Answer::denied(status, Bytes::from(denied.body));
    for option in denied.headers {
        let (name, value, append, _) = parts(option);
        // A field may be set several times, as `set-cookie`: the first takes the place of what is there.
        let again = answer.edits.iter().any(|edit: &Edit| edit.name.eq_ignore_ascii_case(&name));
        let how = if again || append == Some(true) { How::Add } else { How::Set };
        answer.edits.push(Edit { name, value, how });
    }
    answer
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::core::v3::HeaderValue;
    use envoy_types::pb::google::protobuf::BoolValue;
    use envoy_types::pb::google::rpc::Status;

    use super::*;

    #[allow(deprecated)] // As above.
    fn option(key: &str, append: Option<bool>) -> HeaderValueOption {
        HeaderValueOption {
            header: Some(HeaderValue { key: key.into(), value: "v".into(), ..HeaderValue::default() }),
            append: append.map(|value| BoolValue { value }),
            ..HeaderValueOption::default()
        }
    }

    #[test]
    fn an_acceptance_changes_the_request() {
        let ok = OkHttpResponse {
            headers: vec![option("set", None), option("append", Some(true))],
            headers_to_remove: vec!["gone".into()],
            response_headers_to_add: vec![option("back", None)],
            ..OkHttpResponse::default()
        };
        let answer =
            answer(CheckResponse { http_response: Some(HttpResponse::OkResponse(ok)), ..CheckResponse::default() });
        assert_eq!(answer.outcome, Outcome::Allowed);
        assert_eq!(answer.edits.iter().map(|edit| edit.how).collect::<Vec<_>>(), [How::Set, How::Append]);
        assert_eq!(answer.removes, ["gone"]);
        assert_eq!(answer.response[0].how, How::Add);
    }

    #[test]
    fn a_refusal_without_words_is_403() {
        let status = Some(Status { code: 7, ..Status::default() });
        let answer = answer(CheckResponse { status, ..CheckResponse::default() });
        assert_eq!(answer.outcome, Outcome::Denied { status: StatusCode::FORBIDDEN, body: Bytes::new() });
    }

    #[test]
    fn an_acceptance_beside_a_failure_is_a_refusal() {
        let status = Some(Status { code: 16, ..Status::default() });
        let ok = HttpResponse::OkResponse(OkHttpResponse::default());
        let answer = answer(CheckResponse { status, http_response: Some(ok), ..CheckResponse::default() });
        assert!(matches!(answer.outcome, Outcome::Denied { .. }));
    }
}

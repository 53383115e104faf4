//! An authorization service that does what the field `x-authz` of the request says, and can tell what it was asked.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction as Action;
use envoy_types::pb::envoy::config::core::v3::{HeaderValueOption, QueryParameter};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::BoolValue;
use envoy_types::pb::google::rpc;
use tonic::{Request, Response, Status};

use super::{header, metadata};

/// The service.
#[derive(Debug)]
pub struct Authz;

#[tonic::async_trait]
impl Authorization for Authz {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let attributes = request.into_inner().attributes.unwrap_or_default();
        let http = attributes.request.clone().and_then(|request| request.http).unwrap_or_default();
        let mut answer = CheckResponse::default();
        match http.headers.get("x-authz").map_or("ok", String::as_str) {
            "ok" => {}
            "edits" => answer.http_response = Some(HttpResponse::OkResponse(edits())),
            "query" => answer.http_response = Some(HttpResponse::OkResponse(query())),
            "path" => {
                let headers = vec![set(":path", "/moved"), set("x-moved", "1")];
                answer.http_response =
                    Some(HttpResponse::OkResponse(OkHttpResponse { headers, ..OkHttpResponse::default() }));
            }
            "tell" => {
                let headers = vec![set("x-told", &told(&attributes, &http))];
                answer.http_response =
                    Some(HttpResponse::OkResponse(OkHttpResponse { headers, ..OkHttpResponse::default() }));
            }
            "metadata" => answer.dynamic_metadata = Some(metadata("who", "alice")),
            "denied" => answer.status = refused(7),
            "denied-full" => {
                answer.status = refused(16);
                answer.http_response = Some(HttpResponse::DeniedResponse(denied(401)));
            }
            "denied-odd" => {
                answer.status = refused(7);
                answer.http_response = Some(HttpResponse::DeniedResponse(denied(0)));
            }
            "denied-metadata" => {
                answer.status = refused(7);
                answer.dynamic_metadata = Some(metadata("who", "mallory"));
            }
            "slow" => tokio::time::sleep(Duration::from_millis(900)).await,
            other => return Err(Status::internal(other.to_string())),
        }
        Ok(Response::new(answer))
    }
}

#[allow(clippy::unnecessary_wraps)] // It goes into an optional field.
fn refused(code: i32) -> Option<rpc::Status> {
    Some(rpc::Status { code, ..rpc::Status::default() })
}

fn set(key: &str, value: &str) -> HeaderValueOption {
    option(key, value, None, Action::AppendIfExistsOrAdd)
}

#[allow(deprecated)] // Services still say `append`.
fn option(key: &str, value: &str, append: Option<bool>, action: Action) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(header(key, value)),
        append: append.map(|value| BoolValue { value }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}

/// Changes of all kinds: of the fields that the client sends, and of those that it gets.
fn edits() -> OkHttpResponse {
    let appended = |key: &str, append| option(key, "authz", append, Action::AppendIfExistsOrAdd);
    let response = |key: &str, action| option(key, "authz", None, action);
    OkHttpResponse {
        headers: vec![set("x-user", "alice"), appended("x-joined", Some(true)), appended("x-replaced", Some(false))],
        headers_to_remove: vec!["x-secret".into(), "host".into(), "x-none".into()],
        response_headers_to_add: vec![
            response("x-back", Action::AppendIfExistsOrAdd),
            response("x-origin", Action::AppendIfExistsOrAdd),
            response("x-absent", Action::AddIfAbsent),
            response("x-there", Action::AddIfAbsent),
            response("x-over", Action::OverwriteIfExistsOrAdd),
            response("x-only", Action::OverwriteIfExists),
            response("x-only-none", Action::OverwriteIfExists),
        ],
        ..OkHttpResponse::default()
    }
}

fn query() -> OkHttpResponse {
    let parameter = |key: &str, value: &str| QueryParameter { key: key.into(), value: value.into() };
    OkHttpResponse {
        query_parameters_to_set: vec![parameter("a", "new"), parameter("z", "1")],
        query_parameters_to_remove: vec!["gone".into()],
        ..OkHttpResponse::default()
    }
}

fn denied(status: i32) -> DeniedHttpResponse {
    DeniedHttpResponse {
        status: (status > 0).then_some(HttpStatus { code: status }),
        headers: vec![set("x-why", "because"), set("content-type", "text/html"), set("x-why", "again")],
        body: "<b>no</b>".into(),
    }
}

/// What the service was asked, in one line.
fn told(attributes: &AttributeContext, http: &HttpRequest) -> String {
    let mut fields: Vec<String> = http
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    fields.sort();
    let mut extensions: Vec<String> =
        attributes.context_extensions.iter().map(|(key, value)| format!("{key}={value}")).collect();
    extensions.sort();
    let mut namespaces: Vec<&str> = attributes
        .metadata_context
        .iter()
        .flat_map(|metadata| metadata.filter_metadata.keys())
        .map(String::as_str)
        .collect();
    namespaces.sort_unstable();
    let peers = [&attributes.source, &attributes.destination];
    let principals = peers.map(|peer| peer.as_ref().map_or("", |peer| &peer.principal)).join("/");
    format!(
        "{} {} {} {} {} size={} body={:?} raw={} [{}] [{}] [{}] {principals}",
        http.method,
        http.path,
        http.host,
        http.scheme,
        http.protocol,
        http.size,
        http.body,
        http.raw_body.len(),
        fields.join(" "),
        extensions.join(" "),
        namespaces.join(" "),
    )
}

//! What an authorization service is told about a request: `envoy.service.auth.v3.AttributeContext`.

use std::collections::{BTreeMap, HashMap};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, Metadata};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request, TlsSession};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use envoy_types::pb::google::protobuf::Timestamp;
use http::HeaderName;
use serde_json::Value;

use super::config::Shared;
use crate::filters::http::structs::to_struct;
use crate::http::RequestHead;
use crate::stream::{Exchange, Tls};

/// Says whether the service got all of the body. Clients must not say it.
pub(super) const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// What was read of the body, and whether that is all of it.
pub(super) struct Read {
    pub(super) bytes: Bytes,
    pub(super) complete: bool,
}

/// The fields that the service gets, by name, with pseudo headers; repeated ones joined by commas.
pub(super) fn fields(shared: &Shared, head: &RequestHead, body: Option<&Read>) -> BTreeMap<String, Vec<u8>> {
    let mut fields: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut add = |name: &str, value: &[u8]| {
        if name == PARTIAL_BODY || !shared.sends(name) {
            return;
        }
        match fields.get_mut(name) {
            Some(joined) => {
                joined.push(b',');
                joined.extend_from_slice(value);
            }
            None => {
                fields.insert(name.to_string(), value.to_vec());
            }
        }
    };
    for name in [":authority", ":path", ":method", ":scheme"] {
        if let Some(value) = head.field(name) {
            add(name, &value);
        }
    }
    for (name, value) in head.headers.iter() {
        add(name.as_str(), value.as_bytes());
    }
    if let Some(body) = body {
        let partial = if body.complete { "false" } else { "true" };
        fields.insert(PARTIAL_BODY.into(), partial.into());
    }
    fields
}

/// The request to the service.
pub(super) fn check_request(
    shared: &Shared,
    exchange: &Exchange,
    extensions: HashMap<String, String>,
    body: Option<&Read>,
) -> CheckRequest {
    let connection = &exchange.connection;
    let service = exchange.request.head.headers.text(&HeaderName::from_static("x-envoy-downstream-service-cluster"));
    let tls = connection.tls.as_deref();
    let source = Peer {
        address: Some(connection.remote.to_proto()),
        service: service.unwrap_or_default().to_string(),
        principal: tls.map(peer_principal).unwrap_or_default(),
        certificate: tls.filter(|_| shared.peer_certificate).map(|tls| url_encode(&tls.peer_pem)).unwrap_or_default(),
        ..Peer::default()
    };
    let destination = Peer {
        address: Some(connection.local.to_proto()),
        principal: tls.map(local_principal).unwrap_or_default(),
        labels: shared.labels.clone().into_iter().collect(),
        ..Peer::default()
    };
    let started = exchange.info.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = Timestamp {
        seconds: i64::try_from(started.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(started.subsec_nanos()).unwrap_or(0),
    };
    let request = Request { time: Some(time), http: Some(http_request(shared, exchange, body)) };
    let session = TlsSession { sni: connection.sni.clone().unwrap_or_default() };
    let route = exchange.info.route_metadata.as_deref();
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(source),
            destination: Some(destination),
            request: Some(request),
            context_extensions: extensions,
            metadata_context: Some(metadata(&shared.namespaces, &[&connection.metadata, &exchange.info.metadata])),
            route_metadata_context: Some(metadata(&shared.route_namespaces, route.as_slice())),
            tls_session: (shared.tls_session && tls.is_some()).then_some(session),
        }),
    }
}

fn http_request(shared: &Shared, exchange: &Exchange, body: Option<&Read>) -> HttpRequest {
    let head = &exchange.request.head;
    let fields = fields(shared, head, body);
    let mut request = HttpRequest {
        id: exchange.random.to_string(),
        method: head.method.to_string(),
        path: head.path.clone(),
        host: head.authority.clone(),
        scheme: head.scheme.to_string(),
        // Nothing was received yet but what was read for the service.
        size: 0,
        protocol: head.version.as_str().to_string(),
        ..HttpRequest::default()
    };
    if shared.raw_headers {
        let value = |(key, raw_value): (String, Vec<u8>)| HeaderValue { key, raw_value, ..HeaderValue::default() };
        request.header_map = Some(HeaderMap { headers: fields.into_iter().map(value).collect() });
    } else {
        let text = |(key, value): (String, Vec<u8>)| (key, String::from_utf8_lossy(&value).into_owned());
        request.headers = fields.into_iter().map(text).collect();
    }
    if let Some(body) = body {
        let size = exchange.request.body.size().unwrap_or(body.bytes.len() as u64);
        request.size = i64::try_from(size).unwrap_or(i64::MAX);
        if shared.body.is_some_and(|body| body.as_bytes) {
            request.raw_body = body.bytes.to_vec();
        } else {
            request.body = String::from_utf8_lossy(&body.bytes).into_owned();
        }
    }
    request
}

fn metadata(namespaces: &[String], sources: &[&BTreeMap<String, Value>]) -> Metadata {
    let mut filled = HashMap::new();
    for source in sources {
        for namespace in namespaces {
            if let Some(Value::Object(fields)) = source.get(namespace) {
                filled.insert(namespace.clone(), to_struct(fields));
            }
        }
    }
    Metadata { filter_metadata: filled, ..Metadata::default() }
}

fn peer_principal(tls: &Tls) -> String {
    let named = tls.peer_uris.first().or_else(|| tls.peer_dns.first());
    named.unwrap_or(&tls.peer_subject).clone()
}

fn local_principal(tls: &Tls) -> String {
    tls.local_uris.first().unwrap_or(&tls.local_subject).clone()
}

/// PEM in the form in which Envoy sends certificates: everything but letters, digits and `-_.~` as `%XX`.
fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

//! The attributes: names and values as Envoy gives them.

use std::collections::{BTreeMap, HashMap};

use cel::Value;
use cel::context::VariableResolver;
use serde_json::Value as Json;

use super::check::HAS;
use crate::http::{Headers, RequestHead, ResponseHead};
use crate::net::Address;
use crate::rbac::Facts;
use crate::stream::{Connection, Direction, Exchange, StreamInfo, Tls};
use crate::telemetry::format::{FormatContext, any_grpc_status};

/// What attributes are made from.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    connection: &'a Connection,
    request: Option<&'a RequestHead>,
    response: Option<&'a ResponseHead>,
    trailers: Option<&'a Headers>,
    info: Option<&'a StreamInfo>,
    metadata: &'a BTreeMap<String, Json>,
    state: &'a BTreeMap<String, String>,
}

/// Names before the dot.
const ROOTS: [&str; 8] = ["request", "response", "connection", "source", "destination", "upstream", "metadata", "xds"];

/// Attributes that are maps as a whole. Istio's two are the peers that metadata exchange found.
const MAPS: [&str; 3] = ["filter_state", "downstream_peer", "upstream_peer"];

/// Attributes whose names have two parts.
const NAMES: [&str; 58] = [
    "connection.dns_san_local_certificate",
    "connection.dns_san_peer_certificate",
    "connection.id",
    "connection.mtls",
    "connection.requested_server_name",
    "connection.sha256_peer_certificate_digest",
    "connection.subject_local_certificate",
    "connection.subject_peer_certificate",
    "connection.termination_details",
    "connection.tls_version",
    "connection.uri_san_local_certificate",
    "connection.uri_san_peer_certificate",
    "destination.address",
    "destination.port",
    "metadata.filter_metadata",
    "request.headers",
    "request.host",
    "request.id",
    "request.method",
    "request.path",
    "request.protocol",
    "request.query",
    "request.referer",
    "request.scheme",
    "request.size",
    "request.total_size",
    "request.url_path",
    "request.useragent",
    "response.code",
    "response.code_details",
    "response.grpc_status",
    "response.headers",
    "response.size",
    "response.total_size",
    "response.trailers",
    "source.address",
    "source.port",
    "upstream.address",
    "upstream.dns_san_local_certificate",
    "upstream.dns_san_peer_certificate",
    "upstream.local_address",
    "upstream.port",
    "upstream.request_attempt_count",
    "upstream.sha256_peer_certificate_digest",
    "upstream.subject_local_certificate",
    "upstream.subject_peer_certificate",
    "upstream.tls_version",
    "upstream.transport_failure_reason",
    "upstream.uri_san_local_certificate",
    "upstream.uri_san_peer_certificate",
    "xds.cluster_metadata",
    "xds.cluster_name",
    "xds.filter_chain_name",
    "xds.listener_direction",
    "xds.route_metadata",
    "xds.route_name",
    "xds.upstream_host_metadata",
    "xds.virtual_host_name",
];

/// Whether attributes begin with this name and a dot.
pub(super) fn is_root(name: &str) -> bool {
    ROOTS.contains(&name)
}

/// Whether the name stands for a map.
pub(super) fn is_map(name: &str) -> bool {
    MAPS.contains(&name)
}

/// Whether the proxy has the attribute.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

impl<'a> Attributes<'a> {
    /// Those of a request.
    pub fn of_exchange(exchange: &'a Exchange) -> Self {
        Self::of_context(&FormatContext::of(exchange))
    }

    /// Those of an exchange or connection for which a log entry is made.
    pub fn of_context(context: &FormatContext<'a>) -> Self {
        Self {
            connection: context.connection,
            request: context.request,
            response: context.response,
            trailers: context.trailers,
            info: Some(context.info),
            metadata: &context.info.metadata,
            state: &context.info.state,
        }
    }

    /// Those that access rules know.
    pub fn of_facts(facts: &Facts<'a>) -> Self {
        Self {
            connection: facts.connection,
            request: facts.head,
            response: None,
            trailers: None,
            info: facts.info,
            metadata: facts.metadata,
            state: facts.state,
        }
    }

    /// The value of an attribute by its full name; none when it has none for this request.
    fn find(&self, name: &str) -> Option<Value> {
        let (root, field) = name.split_once('.').unwrap_or((name, ""));
        match root {
            "request" => self.request(field),
            "response" => self.response(field),
            "connection" => self.connection(field),
            "source" => {
                let trusted = self.info.and_then(|info| info.remote.as_ref());
                endpoint(trusted.unwrap_or(&self.connection.remote), field)
            }
            "destination" => endpoint(&self.connection.local, field),
            "upstream" => self.upstream(field),
            "metadata" => Some(by_namespace(self.metadata)),
            "xds" => self.xds(field),
            "filter_state" => Some(map(self.state.iter().map(|(key, text)| (key.as_str(), state(key, text))))),
            // A peer of Istio's.
            peer => self.state.get(peer).map(|text| state(peer, text)),
        }
    }

    fn request(&self, field: &str) -> Option<Value> {
        let head = self.request?;
        let header = |name: &str| head.field(name).map(|value| text(&String::from_utf8_lossy(&value)));
        let received = self.info.map_or(0, |info| info.bytes_received);
        match field {
            "headers" => Some(Self::request_headers(head)),
            "host" => header(":authority"),
            "id" => header("x-request-id"),
            "method" => header(":method"),
            "path" => header(":path"),
            "protocol" => Some(text(head.version.as_str())),
            "query" => Some(text(head.query().unwrap_or_default())),
            "referer" => header("referer"),
            "scheme" => header(":scheme"),
            "size" => {
                let length = head.headers.text(&http::header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
                Some(int(length.unwrap_or(received)))
            }
            "total_size" => Some(int(received + head.headers.byte_size() as u64)),
            "url_path" => Some(text(head.path.split('?').next().unwrap_or_default())),
            "useragent" => header("user-agent"),
            _ => None,
        }
    }

    fn request_headers(head: &RequestHead) -> Value {
        let pseudo = [":authority", ":method", ":path", ":protocol", ":scheme"];
        let pseudo = pseudo.into_iter().filter_map(|name| Some((name, head.field(name)?)));
        map(pseudo.map(|(name, value)| (name, text(&String::from_utf8_lossy(&value)))).chain(fields(&head.headers)))
    }

    fn response(&self, field: &str) -> Option<Value> {
        let info = self.info?;
        match field {
            "code" => info.code.map(|code| Value::Int(code.into())),
            "code_details" => info.details.as_deref().map(text),
            "grpc_status" => any_grpc_status(&self.context(info)).map(Value::Int),
            "headers" => self.response.map(|head| map(fields(&head.headers))),
            "size" => Some(int(info.bytes_sent)),
            "total_size" => {
                let head = self.response.map_or(0, |head| head.headers.byte_size() as u64);
                Some(int(info.bytes_sent + head))
            }
            "trailers" => self.trailers.map(|trailers| map(fields(trailers))),
            _ => None,
        }
    }

    fn context(&self, info: &'a StreamInfo) -> FormatContext<'a> {
        FormatContext {
            request: self.request,
            response: self.response,
            trailers: self.trailers,
            ..FormatContext::new(self.connection, info)
        }
    }

    fn connection(&self, field: &str) -> Option<Value> {
        let connection = self.connection;
        match field {
            "id" => Some(Value::UInt(connection.id)),
            "mtls" => Some(Value::Bool(
                connection.tls.as_ref().is_some_and(|tls| !tls.peer_sha256.is_empty() || tls.verified),
            )),
            "requested_server_name" => Some(text(connection.sni.as_deref().unwrap_or_default())),
            "termination_details" => self.info?.termination.as_deref().map(text),
            field => certificate(connection.tls.as_deref()?, field),
        }
    }

    fn upstream(&self, field: &str) -> Option<Value> {
        let info = self.info?;
        let upstream = &info.upstream;
        match field {
            "address" | "port" => endpoint(upstream.host.as_ref()?, field),
            "local_address" => upstream.local.map(|local| text(&local.to_string())),
            "request_attempt_count" => Some(int(info.attempts.into())),
            "transport_failure_reason" => Some(text(upstream.failure.as_deref().unwrap_or_default())),
            field => certificate(upstream.tls.as_deref()?, field),
        }
    }

    fn xds(&self, field: &str) -> Option<Value> {
        let info = self.info;
        let metadata = |metadata: Option<&BTreeMap<String, Json>>| {
            metadata.map(|metadata| map([("filter_metadata", by_namespace(metadata))].into_iter()))
        };
        match field {
            "cluster_metadata" => metadata(info?.cluster_metadata.as_deref()),
            "cluster_name" => info?.upstream.cluster.as_deref().map(text),
            "filter_chain_name" => Some(text(&self.connection.filter_chain)),
            "listener_direction" => Some(Value::Int(match self.connection.direction {
                Direction::Unspecified => 0,
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            })),
            "route_metadata" => metadata(info?.route_metadata.as_deref()),
            "route_name" => info?.route_name.as_deref().map(text),
            "upstream_host_metadata" => metadata(info?.upstream.metadata.as_deref()),
            "virtual_host_name" => info?.virtual_host.as_deref().map(text),
            _ => None,
        }
    }
}

impl VariableResolver for Attributes<'_> {
    fn resolve(&self, name: &str) -> Option<Value> {
        match name.strip_prefix(HAS) {
            Some(name) => Some(Value::Bool(self.find(name).is_some())),
            None => self.find(name),
        }
    }
}

/// What a certificate, or the connection that it was shown on, says.
fn certificate(tls: &Tls, field: &str) -> Option<Value> {
    let first = |names: &[String]| names.first().map(|name| text(name));
    match field {
        "dns_san_local_certificate" => first(&tls.local_dns),
        "dns_san_peer_certificate" => first(&tls.peer_dns),
        "sha256_peer_certificate_digest" => Some(text(&tls.peer_sha256)),
        "subject_local_certificate" => Some(text(&tls.local_subject)),
        "subject_peer_certificate" => Some(text(&tls.peer_subject)),
        "tls_version" => Some(text(tls.version)),
        "uri_san_local_certificate" => first(&tls.local_uris),
        "uri_san_peer_certificate" => first(&tls.peer_uris),
        _ => None,
    }
}

fn endpoint(address: &Address, field: &str) -> Option<Value> {
    match field {
        "address" => Some(text(&address.to_string())),
        "port" => address.port().map(|port| Value::Int(port.into())),
        _ => None,
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn map<'k>(entries: impl Iterator<Item = (&'k str, Value)>) -> Value {
    Value::from(entries.map(|(key, value)| (key.to_string(), value)).collect::<HashMap<String, Value>>())
}

/// Header fields by name, repeated ones joined by commas.
fn fields(headers: &Headers) -> impl Iterator<Item = (&str, Value)> {
    headers.iter().filter_map(|(name, _)| {
        let joined = headers.joined(name)?;
        Some((name.as_str(), text(&String::from_utf8_lossy(&joined))))
    })
}

fn by_namespace(metadata: &BTreeMap<String, Json>) -> Value {
    map(metadata.iter().map(|(namespace, value)| (namespace.as_str(), of_json(value))))
}

/// A value of the filter state: bytes, as Envoy has it, but for Istio's peers, which have fields.
fn state(key: &str, value: &str) -> Value {
    let peer = is_map(key).then(|| serde_json::from_str(value).ok()).flatten();
    peer.map_or_else(|| Value::from(value.as_bytes().to_vec()), |peer: Json| of_json(&peer))
}

/// A `google.protobuf.Value`: its numbers have fractions.
fn of_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(value) => text(value),
        Json::Array(values) => Value::from(values.iter().map(of_json).collect::<Vec<Value>>()),
        Json::Object(fields) => map(fields.iter().map(|(key, value)| (key.as_str(), of_json(value)))),
    }
}

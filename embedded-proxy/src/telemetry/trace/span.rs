//! What a span tells: Envoy's names and values.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderName;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::SpanContext;
use crate::bootstrap::Node;
use crate::http::RequestHead;
use crate::telemetry::export::attribute;
use crate::telemetry::format::{FormatContext, any_grpc_status};
use crate::telemetry::tag::CustomTag;

/// A span that has begun.
#[derive(Debug, Clone)]
pub(super) struct Started {
    /// Its place.
    pub context: SpanContext,
    /// The span above it.
    pub parent: Option<[u8; 8]>,
    /// Its name.
    pub name: String,
    /// When it began.
    pub began: SystemTime,
}

impl Started {
    /// The finished span.
    pub fn finish(self, kind: SpanKind, attributes: Vec<KeyValue>, failed: bool) -> Span {
        let code = if failed { StatusCode::Error } else { StatusCode::Unset };
        Span {
            trace_id: self.context.trace.to_vec(),
            span_id: self.context.span.to_vec(),
            trace_state: self.context.state,
            parent_span_id: self.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
            name: self.name,
            kind: kind as i32,
            start_time_unix_nano: nanos(self.began),
            end_time_unix_nano: nanos(SystemTime::now()),
            attributes,
            status: Some(Status { code: code as i32, message: String::new() }),
            ..Span::default()
        }
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn field<'h>(head: &'h RequestHead, name: &'static str) -> Option<&'h str> {
    head.headers.text(&HeaderName::from_static(name))
}

/// Attributes of the span of a request that a client sent.
pub(super) fn downstream(context: &FormatContext<'_>, node: &Node, max_path: usize) -> Vec<KeyValue> {
    let mut all = vec![attribute("node_id", &node.id), attribute("zone", &node.locality.1)];
    let info = context.info;
    if let Some(head) = context.request {
        if let Some(id) = field(head, "x-request-id") {
            all.push(attribute("guid:x-request-id", id));
        }
        let path = field(head, "x-envoy-original-path").unwrap_or(&head.path);
        let end = (0..=max_path.min(path.len())).rev().find(|end| path.is_char_boundary(*end)).unwrap_or(0);
        all.push(attribute("http.url", format!("{}://{}{}", head.scheme, head.authority, &path[..end])));
        all.push(attribute("http.method", head.method.as_str()));
        all.push(attribute("downstream_cluster", field(head, "x-envoy-downstream-service-cluster").unwrap_or("-")));
        all.push(attribute("user_agent", field(head, "user-agent").unwrap_or("-")));
        all.push(attribute("http.protocol", head.version.as_str()));
        let client = info.remote.as_ref().unwrap_or(&context.connection.remote);
        all.push(attribute("peer.address", client.without_port().to_string()));
        if let Some(id) = field(head, "x-client-trace-id") {
            all.push(attribute("guid:x-client-trace-id", id));
        }
        if head.is_grpc() {
            all.push(attribute("grpc.path", &head.path));
            all.push(attribute("grpc.authority", &head.authority));
            all.push(attribute("grpc.content_type", field(head, "content-type").unwrap_or_default()));
            if let Some(timeout) = field(head, "grpc-timeout") {
                all.push(attribute("grpc.timeout", timeout));
            }
        }
    }
    all.push(attribute("request_size", info.bytes_received.to_string()));
    all.push(attribute("response_size", info.bytes_sent.to_string()));
    common(context, info.code, &mut all);
    all
}

/// Attributes of the span of one attempt upstream.
pub(super) fn upstream(context: &FormatContext<'_>, code: Option<u16>) -> Vec<KeyValue> {
    let upstream = &context.info.upstream;
    let mut all = vec![attribute("http.protocol", upstream.protocol.unwrap_or("-"))];
    if let Some(host) = &upstream.host {
        all.push(attribute("upstream_address", host.to_string()));
        all.push(attribute("peer.address", host.to_string()));
    }
    common(context, code, &mut all);
    all
}

fn common(context: &FormatContext<'_>, code: Option<u16>, all: &mut Vec<KeyValue>) {
    let info = context.info;
    all.push(attribute("component", "proxy"));
    if let Some(cluster) = &info.upstream.cluster {
        all.push(attribute("upstream_cluster", &**cluster));
        all.push(attribute("upstream_cluster.name", &**info.upstream.cluster_alt.as_ref().unwrap_or(cluster)));
    }
    all.push(attribute("http.status_code", code.unwrap_or(0).to_string()));
    let grpc = context.request.filter(|head| head.is_grpc()).and_then(|_| any_grpc_status(context));
    if let Some(status) = grpc {
        all.push(attribute("grpc.status_code", status.to_string()));
    }
    all.push(attribute("response_flags", info.flags.to_string()));
    if has_failed(context, code) {
        all.push(attribute("error", "true"));
    }
}

/// Whether the span is an error: a status of the server's fault, none at all, or a gRPC status that says so.
pub(super) fn has_failed(context: &FormatContext<'_>, code: Option<u16>) -> bool {
    /// Unknown, deadline exceeded, unimplemented, internal, unavailable, data loss.
    const SERVER_FAULTS: [i64; 6] = [2, 4, 12, 13, 14, 15];
    let code = code.unwrap_or(0);
    let grpc = context.request.filter(|head| head.is_grpc()).and_then(|_| any_grpc_status(context));
    code == 0 || code >= 500 || grpc.is_some_and(|status| SERVER_FAULTS.contains(&status))
}

/// Adds custom tags; a later one replaces an earlier one of its name.
pub(super) fn tag(all: &mut Vec<KeyValue>, tags: &[CustomTag], context: &FormatContext<'_>) {
    for tag in tags {
        if let Some(value) = tag.value(context) {
            all.retain(|pair| pair.key != tag.tag);
            all.push(attribute(&tag.tag, value));
        }
    }
}

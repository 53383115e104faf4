//! Access log entries as messages: `envoy.data.accesslog.v3`.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use envoy_types::pb::envoy::config::core::v3::{Metadata, RequestMethod};
use envoy_types::pb::envoy::data::accesslog::v3::response_flags::{Unauthorized, unauthorized::Reason};
use envoy_types::pb::envoy::data::accesslog::v3::tls_properties::certificate_properties::{
    SubjectAltName, subject_alt_name::San,
};
use envoy_types::pb::envoy::data::accesslog::v3::tls_properties::{CertificateProperties, TlsVersion};
use envoy_types::pb::envoy::data::accesslog::v3::{
    AccessLogCommon, ConnectionProperties, HttpAccessLogEntry, HttpRequestProperties, HttpResponseProperties,
    ResponseFlags, TcpAccessLogEntry, TlsProperties, http_access_log_entry::HttpVersion,
};
use envoy_types::pb::google::protobuf::{
    Any, Duration as PbDuration, ListValue, Struct, Timestamp, UInt32Value, Value as PbValue, value::Kind as PbKind,
};
use http::HeaderName;
use prost::Message as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::http::{Headers, RequestHead, Version};
use crate::net::Address;
use crate::proto::Reader;
use crate::stream::{Flag, Flags, Tls};
use crate::telemetry::format::FormatContext;
use crate::telemetry::tag::CustomTag;

/// One entry.
#[derive(Debug)]
pub enum Entry {
    /// Of an HTTP exchange.
    Http(Box<HttpAccessLogEntry>),
    /// Of a TCP connection.
    Tcp(Box<TcpAccessLogEntry>),
}

/// What a configuration wants beside the usual.
#[derive(Debug, Default)]
pub struct Extra {
    /// Request fields.
    pub request: Vec<HeaderName>,
    /// Response fields.
    pub response: Vec<HeaderName>,
    /// Response trailers.
    pub trailers: Vec<HeaderName>,
    /// Filter state.
    pub state: Vec<String>,
    /// Custom tags.
    pub tags: Vec<CustomTag>,
}

/// Reads names of header fields; a wrong one is a defect.
pub fn names(reader: &Reader<'_>, field: &str) -> Vec<HeaderName> {
    let mut names = Vec::new();
    for name in reader.texts(field) {
        match HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()) {
            Ok(name) => names.push(name),
            Err(_) => reader.defect(field, format!("{name:?} is no name of a header field")),
        }
    }
    names
}

/// The entry of an exchange.
pub fn http(context: &FormatContext<'_>, extra: &Extra) -> Entry {
    let version = match context.request.map(|head| head.version) {
        Some(Version::Http10) => HttpVersion::Http10,
        Some(Version::Http11) => HttpVersion::Http11,
        Some(Version::Http2) => HttpVersion::Http2,
        None => HttpVersion::ProtocolUnspecified,
    };
    Entry::Http(Box::new(HttpAccessLogEntry {
        common_properties: Some(common(context, extra)),
        protocol_version: version as i32,
        request: context.request.map(|head| request(head, context, extra)),
        response: Some(response(context, extra)),
    }))
}

/// The entry of a connection.
pub fn tcp(context: &FormatContext<'_>, extra: &Extra) -> Entry {
    Entry::Tcp(Box::new(TcpAccessLogEntry {
        common_properties: Some(common(context, extra)),
        connection_properties: Some(ConnectionProperties {
            received_bytes: context.info.bytes_received,
            sent_bytes: context.info.bytes_sent,
        }),
    }))
}

fn common(context: &FormatContext<'_>, extra: &Extra) -> AccessLogCommon {
    let (info, connection) = (context.info, context.connection);
    let since = |at: Option<Instant>| at.map(|at| duration(at.saturating_duration_since(info.started)));
    let began = info.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut common = AccessLogCommon {
        sample_rate: 1.0,
        downstream_remote_address: Some(info.remote.as_ref().unwrap_or(&connection.remote).to_proto()),
        downstream_local_address: Some(connection.local.to_proto()),
        downstream_direct_remote_address: Some(connection.peer.to_proto()),
        tls_properties: connection.tls.as_deref().map(tls),
        start_time: Some(Timestamp {
            seconds: i64::try_from(began.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(began.subsec_nanos()).unwrap_or(0),
        }),
        time_to_last_rx_byte: since(info.request_received),
        time_to_first_upstream_tx_byte: since(info.upstream_started),
        time_to_last_upstream_tx_byte: since(info.upstream_sent),
        time_to_first_upstream_rx_byte: since(info.upstream_first),
        time_to_last_upstream_rx_byte: since(info.upstream_last),
        time_to_first_downstream_tx_byte: since(info.response_started),
        time_to_last_downstream_tx_byte: since(info.response_sent),
        duration: Some(duration(info.duration())),
        upstream_remote_address: info.upstream.host.as_ref().map(Address::to_proto),
        upstream_local_address: info.upstream.local.map(|local| Address::Ip(local).to_proto()),
        upstream_cluster: info.upstream.cluster.as_deref().unwrap_or_default().to_string(),
        upstream_request_attempt_count: info.attempts,
        upstream_transport_failure_reason: info.upstream.failure.clone().unwrap_or_default(),
        response_flags: (!info.flags.is_empty()).then(|| flags(info.flags)),
        route_name: info.route_name.as_deref().unwrap_or_default().to_string(),
        connection_termination_details: info.termination.clone().unwrap_or_default(),
        downstream_transport_failure_reason: info.transport_failure.as_deref().unwrap_or_default().to_string(),
        stream_id: context.request.and_then(|head| field(head, "x-request-id")).unwrap_or_default(),
        access_log_type: log_type(context),
        ..AccessLogCommon::default()
    };
    if !info.metadata.is_empty() {
        common.metadata = Some(metadata(&info.metadata));
    }
    for name in &extra.state {
        if let Some(text) = info.state.get(name) {
            common.filter_state_objects.insert(name.clone(), any_text(text));
        }
    }
    for tag in &extra.tags {
        if let Some(value) = tag.value(context) {
            common.custom_tags.insert(tag.tag.clone(), value);
        }
    }
    common
}

/// Number of the entry's kind in the protobuf enum.
fn log_type(context: &FormatContext<'_>) -> i32 {
    let all = crate::telemetry::format::LogType::ALL;
    let index = all.iter().position(|kind| *kind == context.log_type).unwrap_or(0);
    i32::try_from(index).unwrap_or(0)
}

fn duration(duration: Duration) -> PbDuration {
    PbDuration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

/// A text of the filter state, as Envoy's string objects are serialized.
fn any_text(text: &str) -> Any {
    let value = envoy_types::pb::google::protobuf::StringValue { value: text.to_string() };
    Any { type_url: "type.googleapis.com/google.protobuf.StringValue".into(), value: value.encode_to_vec() }
}

fn tls(tls: &Tls) -> TlsProperties {
    let version = match tls.version {
        "TLSv1.2" => TlsVersion::TlSv12,
        "TLSv1.3" => TlsVersion::TlSv13,
        _ => TlsVersion::VersionUnspecified,
    };
    let names = |uris: &[String], dns: &[String]| {
        let uris = uris.iter().map(|uri| San::Uri(uri.clone()));
        let dns = dns.iter().map(|dns| San::Dns(dns.clone()));
        uris.chain(dns).map(|san| SubjectAltName { san: Some(san) }).collect()
    };
    TlsProperties {
        tls_version: version as i32,
        tls_sni_hostname: tls.sni.clone().unwrap_or_default(),
        tls_session_id: tls.session_id.clone(),
        local_certificate_properties: Some(CertificateProperties {
            subject_alt_name: names(&tls.local_uris, &tls.local_dns),
            subject: tls.local_subject.clone(),
            issuer: String::new(),
        }),
        peer_certificate_properties: Some(CertificateProperties {
            subject_alt_name: names(&tls.peer_uris, &tls.peer_dns),
            subject: tls.peer_subject.clone(),
            issuer: tls.peer_issuer.clone(),
        }),
        ..TlsProperties::default()
    }
}

fn flags(flags: Flags) -> ResponseFlags {
    let reason = Unauthorized { reason: Reason::ExternalService as i32 };
    ResponseFlags {
        failed_local_healthcheck: flags.has(Flag::FailedLocalHealthCheck),
        no_healthy_upstream: flags.has(Flag::NoHealthyUpstream),
        upstream_request_timeout: flags.has(Flag::UpstreamRequestTimeout),
        local_reset: flags.has(Flag::LocalReset),
        upstream_remote_reset: flags.has(Flag::UpstreamRemoteReset),
        upstream_connection_failure: flags.has(Flag::UpstreamConnectionFailure),
        upstream_connection_termination: flags.has(Flag::UpstreamConnectionTermination),
        upstream_overflow: flags.has(Flag::UpstreamOverflow),
        no_route_found: flags.has(Flag::NoRouteFound),
        delay_injected: flags.has(Flag::DelayInjected),
        fault_injected: flags.has(Flag::FaultInjected),
        rate_limited: flags.has(Flag::RateLimited),
        unauthorized_details: flags.has(Flag::UnauthorizedExternalService).then_some(reason),
        rate_limit_service_error: flags.has(Flag::RateLimitServiceError),
        downstream_connection_termination: flags.has(Flag::DownstreamConnectionTermination),
        upstream_retry_limit_exceeded: flags.has(Flag::UpstreamRetryLimitExceeded),
        stream_idle_timeout: flags.has(Flag::StreamIdleTimeout),
        invalid_envoy_request_headers: flags.has(Flag::InvalidEnvoyRequestHeaders),
        downstream_protocol_error: flags.has(Flag::DownstreamProtocolError),
        upstream_max_stream_duration_reached: flags.has(Flag::UpstreamMaxStreamDurationReached),
        response_from_cache_filter: false,
        no_filter_config_found: flags.has(Flag::NoFilterConfigFound),
        duration_timeout: flags.has(Flag::DurationTimeout),
        upstream_protocol_error: flags.has(Flag::UpstreamProtocolError),
        no_cluster_found: flags.has(Flag::NoClusterFound),
        overload_manager: flags.has(Flag::OverloadManager),
        dns_resolution_failure: flags.has(Flag::DnsResolutionFailed),
        downstream_remote_reset: flags.has(Flag::DownstreamRemoteReset),
    }
}

fn field(head: &RequestHead, name: &'static str) -> Option<String> {
    head.headers.text(&HeaderName::from_static(name)).map(str::to_string)
}

fn request(head: &RequestHead, context: &FormatContext<'_>, extra: &Extra) -> HttpRequestProperties {
    let method = RequestMethod::from_str_name(head.method.as_str()).unwrap_or(RequestMethod::MethodUnspecified);
    let text = |name| field(head, name).unwrap_or_default();
    HttpRequestProperties {
        request_method: method as i32,
        scheme: head.scheme.to_string(),
        authority: head.authority.clone(),
        path: head.path.clone(),
        user_agent: text("user-agent"),
        referer: text("referer"),
        forwarded_for: text("x-forwarded-for"),
        request_id: text("x-request-id"),
        original_path: text("x-envoy-original-path"),
        request_headers_bytes: size(&head.headers),
        request_body_bytes: context.info.bytes_received,
        request_headers: chosen(&head.headers, &extra.request),
        ..HttpRequestProperties::default()
    }
}

fn response(context: &FormatContext<'_>, extra: &Extra) -> HttpResponseProperties {
    let headers = context.response.map(|head| &head.headers);
    HttpResponseProperties {
        response_code: context.info.code.map(|code| UInt32Value { value: code.into() }),
        response_headers_bytes: headers.map_or(0, size),
        response_body_bytes: context.info.bytes_sent,
        response_headers: headers.map(|headers| chosen(headers, &extra.response)).unwrap_or_default(),
        response_trailers: context.trailers.map(|trailers| chosen(trailers, &extra.trailers)).unwrap_or_default(),
        response_code_details: context.info.details.clone().unwrap_or_default(),
        ..HttpResponseProperties::default()
    }
}

fn size(headers: &Headers) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum()
}

fn chosen<C: FromIterator<(String, String)>>(headers: &Headers, names: &[HeaderName]) -> C {
    let value = |name: &HeaderName| {
        let joined = headers.joined(name)?;
        Some((name.as_str().to_string(), String::from_utf8_lossy(&joined).into_owned()))
    };
    names.iter().filter_map(value).collect()
}

fn metadata(all: &BTreeMap<String, Value>) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, value) in all {
        if let Value::Object(fields) = value {
            let fields = fields.iter().map(|(key, value)| (key.clone(), protobuf(value))).collect();
            metadata.filter_metadata.insert(name.clone(), Struct { fields });
        }
    }
    metadata
}

fn protobuf(value: &Value) -> PbValue {
    let kind = match value {
        Value::Null => PbKind::NullValue(0),
        Value::Bool(flag) => PbKind::BoolValue(*flag),
        Value::Number(number) => PbKind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => PbKind::StringValue(text.clone()),
        Value::Array(values) => PbKind::ListValue(ListValue { values: values.iter().map(protobuf).collect() }),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), protobuf(value))).collect();
            PbKind::StructValue(Struct { fields })
        }
    };
    PbValue { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stream::{Connection, StreamInfo};

    #[test]
    fn an_entry_has_the_facts_of_the_exchange() {
        let connection = Connection::plain("127.0.0.1:80".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let mut info = StreamInfo::begin();
        info.code = Some(503);
        info.flags.set(Flag::NoHealthyUpstream);
        info.flags.set(Flag::UnauthorizedExternalService);
        info.metadata.insert("f".into(), json!({"a": [1, "b", null]}));
        info.state.insert("k".into(), "v".into());
        let mut headers = Headers::new();
        headers.set(HeaderName::from_static("x-a"), "1".parse().unwrap());
        let head = RequestHead {
            method: http::Method::POST,
            scheme: "http",
            authority: "a".into(),
            path: "/x".into(),
            upgrade: None,
            version: Version::Http2,
            headers,
        };
        let context = FormatContext { request: Some(&head), ..FormatContext::new(&connection, &info) };
        let extra = Extra {
            request: vec![HeaderName::from_static("x-a"), HeaderName::from_static("x-b")],
            state: vec!["k".into(), "absent".into()],
            ..Extra::default()
        };
        let Entry::Http(entry) = http(&context, &extra) else { panic!("not an HTTP entry") };
        assert_eq!(entry.protocol_version, HttpVersion::Http2 as i32);
        let request = entry.request.unwrap();
        assert_eq!(request.request_method, RequestMethod::Post as i32);
        assert_eq!(request.request_headers.len(), 1);
        assert_eq!(entry.response.unwrap().response_code.unwrap().value, 503);
        let common = entry.common_properties.unwrap();
        let flags = common.response_flags.unwrap();
        assert!(flags.no_healthy_upstream && flags.unauthorized_details.is_some() && !flags.rate_limited);
        assert!(common.metadata.unwrap().filter_metadata.contains_key("f"));
        assert_eq!(common.filter_state_objects.len(), 1);
        let Entry::Tcp(entry) = tcp(&context, &extra) else { panic!("not a TCP entry") };
        assert_eq!(entry.connection_properties.unwrap().sent_bytes, 0);
    }
}

//! Lines that Envoy 1.40 printed for one request, rendered from the same facts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::{Headers, RequestHead, ResponseHead, Version};
use crate::stream::{Connection, StreamInfo};

fn headers(fields: &[(&'static str, &'static str)]) -> Headers {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn head() -> RequestHead {
    RequestHead {
        method: Method::GET,
        scheme: "http",
        authority: "127.0.0.1:23902".into(),
        path: "/p%20a?a=b%20c&d".into(),
        upgrade: None,
        version: Version::Http11,
        headers: headers(&[
            ("user-agent", "curl/7.88.1"),
            ("accept", "*/*"),
            ("x-forwarded-proto", "http"),
            ("x-request-id", "24beaff9-823f-48ab-856c-807ac2b28ded"),
        ]),
    }
}

fn connection() -> Connection {
    let local = "127.0.0.1:23902".parse().unwrap();
    let remote = "127.0.0.1:41234".parse().unwrap();
    Connection { filter_chain: "fc".into(), ..Connection::plain(local, remote) }
}

fn info() -> StreamInfo {
    let mut info = StreamInfo::begin();
    info.started_at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_528_822_754_849);
    info.request_received = Some(info.started);
    info.response_started = Some(info.started + Duration::from_micros(344));
    info.response_sent = Some(info.started + Duration::from_micros(400));
    info.code = Some(200);
    info.bytes_sent = 5;
    info.details = Some("direct_response".into());
    info.route_name = Some("rt".into());
    info.route_metadata = Some(Arc::new([("a".to_string(), json!({"b": 5.0}))].into()));
    info.response = Some(ResponseHead {
        status: StatusCode::OK,
        headers: headers(&[
            ("content-length", "5"),
            ("content-type", "text/plain"),
            ("date", "Tue, 24 Nov 2026 14:00:22 GMT"),
            ("server", "envoy"),
        ]),
    });
    info
}

/// Renders with the facts of that request.
fn rendered(render: impl FnOnce(&FormatContext<'_>) -> String) -> String {
    let (head, connection, info) = (head(), connection(), info());
    let context = FormatContext { request: Some(&head), ..FormatContext::new(&connection, &info) };
    render(&context.log_type(LogType::DownstreamEnd))
}

fn line(format: &str) -> String {
    let format = Format::parse(format).unwrap();
    rendered(|context| format.text(context))
}

fn object(format: &serde_json::Value, omit_empty: bool) -> String {
    let format = JsonFormat::parse(format, omit_empty).unwrap();
    rendered(|context| {
        let mut out = String::new();
        format.render(context, &mut out);
        out
    })
}

#[test]
fn operators_print_what_envoy_prints() {
    let table = [
        ("%TRACE_ID%|%SPAN_ID%|%CUSTOM_FLAGS%|%RESPONSE_FLAGS%|%RESPONSE_FLAGS_LONG%", "-|-||-|-"),
        ("%RESPONSE_CODE_DETAILS%|%CONNECTION_TERMINATION_DETAILS%|%QUERY_PARAM(a)%", "direct_response|-|b c"),
        ("%QUERY_PARAMS(ORIG)%|%PATH(NQ)%|%PATH(WQ:ORIG)%", "a=b%20c&d|/p%20a|-"),
        ("%PATH(NQ:ORIG_OR_PATH)%|%ROUTE_NAME%|%VIRTUAL_CLUSTER_NAME%", "/p%20a|rt|-"),
        ("%FILTER_CHAIN_NAME%|%UPSTREAM_HOST%|%UPSTREAM_CLUSTER%", "fc|-|-"),
        ("%UPSTREAM_REQUEST_ATTEMPT_COUNT%|%GRPC_STATUS%|%GRPC_STATUS_NUMBER%", "0|-|-"),
        ("%REQUEST_HEADERS_BYTES%|%RESPONSE_HEADERS_BYTES%|%RESPONSE_TRAILERS_BYTES%", "166|91|0"),
        ("%ACCESS_LOG_TYPE%|%RESP(:STATUS)%|%REQ(HOST)%", "DownstreamEnd|200|127.0.0.1:23902"),
        ("%FILTER_STATE(x)%|%REQUEST_DURATION%|%RESPONSE_DURATION%|%RESPONSE_TX_DURATION%", "-|0|-|-"),
        ("%REQUEST_TX_DURATION%|%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:us)%", "-|344"),
        ("%LOCAL_REPLY_BODY%|%BYTES_RETRANSMITTED%|%REQ(X?:PATH):3%|%METADATA(ROUTE:a:b)%", "|0|/p%|5"),
        ("%PROTOCOL%|%START_TIME%|%%", "HTTP/1.1|2026-11-24T14:00:22.754Z|%"),
        ("%COALESCE({\"operators\": [{\"command\":\"REQ\",\"param\":\"X\"},\"PROTOCOL\"]})%", "HTTP/1.1"),
        ("%UPSTREAM_PROTOCOL%|%UPSTREAM_METADATA(a)%|%REQUESTED_SERVER_NAME%", "-|-|-"),
        ("%CONNECTION_ID%|%STREAM_ID%|%DOWNSTREAM_LOCAL_PORT%", "0|24beaff9-823f-48ab-856c-807ac2b28ded|23902"),
    ];
    for (format, printed) in table {
        assert_eq!(line(format), printed, "{format}");
    }
}

#[test]
fn the_default_format_is_envoys() {
    let printed = "[2026-11-24T14:00:22.754Z] \"GET /p%20a?a=b%20c&d HTTP/1.1\" 200 - 0 5 0 - \"-\" \"curl/7.88.1\" \
                   \"24beaff9-823f-48ab-856c-807ac2b28ded\" \"127.0.0.1:23902\" \"-\"\n";
    assert_eq!(line(DEFAULT), printed);
}

#[test]
fn json_keeps_types_and_sorts_keys() {
    let format = json!({
        "z": "%DURATION%", "a": "%PROTOCOL%", "miss": "%REQ(X)%", "num": 4, "code": "%RESPONSE_CODE%",
        "n": {"b": "x%RESPONSE_CODE%y", "a": ["%BYTES_SENT%", 3, true]}, "meta": "%DYNAMIC_METADATA(x)%",
        "custom": "%CUSTOM_FLAGS%", "emptyobj": {"m": "%REQ(Y)%"}, "mixed": "%REQ(Y)%-%REQ(Z)%",
        "port": "%DOWNSTREAM_LOCAL_PORT%",
    });
    let printed = "{\"a\":\"HTTP/1.1\",\"code\":200,\"custom\":\"\",\"emptyobj\":{\"m\":null},\"meta\":null,\
                   \"miss\":null,\"mixed\":\"---\",\"n\":{\"a\":[5,3,true],\"b\":\"x200y\"},\"num\":4,\"port\":23902,\
                   \"z\":0}";
    assert_eq!(object(&format, false), printed);
}

#[test]
fn json_without_empty_values_leaves_them_out() {
    let format = json!({
        "z": "%DURATION%", "miss": "%REQ(X)%", "n": {"b": "x%RESPONSE_CODE%y%REQ(X)%", "a": ["%REQ(X)%", 3, null]},
        "nn": null, "emptyobj": {"m": "%REQ(Y)%"}, "mixed": "%REQ(Y)%-%REQ(Z)%",
    });
    assert_eq!(object(&format, true), "{\"mixed\":\"-\",\"n\":{\"a\":[3],\"b\":\"x200y\"},\"z\":0}");
}

#[test]
fn what_envoy_refuses_is_refused() {
    let refused = [
        "%REQ%",
        "%REQ()%",
        "%REQ(a?b?c)%",
        "%REQ(a:5)%",
        "%NOPE%",
        "%PROTOCOL(x)%",
        "%PROTOCOL:3%",
        "%START_TIME(%n)%",
        "%START_TIME(%Y):3%",
        "%RESPONSE_CODE_DETAILS:5%",
        "%GRPC_STATUS(X)%",
        "%COMMON_DURATION(A)%",
        "%COMMON_DURATION(A:B:s)%",
        "%PATH(X)%",
        "%PATH(WQ:X)%",
        "%QUERY_PARAM%",
        "%QUERY_PARAMS(X)%",
        "%SPAN_ID:3%",
        "%FILTER_STATE(a:X)%",
        "%FILTER_STATE(a:FIELD)%",
        "%DYNAMIC_METADATA()%",
        "%METADATA(X:a:b)%",
        "%ENVIRONMENT%",
        "%HOSTNAME:3%",
        "%COALESCE({\"operators\":[]})%",
        "%COALESCE({\"operators\":[\"REQ\"]})%",
        "%REQUESTED_SERVER_NAME(X)%",
        "%REQ(a(b)c)%",
        "%UNIQUE_ID(x)%",
        "%UPSTREAM_HOST_NAME(X)%",
    ];
    for format in refused {
        assert!(Format::parse(format).is_err(), "{format}");
    }
    let taken = [
        "%PROTOCOL()%",
        "%START_TIME()%",
        "%RESPONSE_CODE_DETAILS(X)%",
        "%GRPC_STATUS(SNAKE_STRING)%",
        "%COMMON_DURATION(A:B)%",
        "%PATH%",
        "%QUERY_PARAMS%",
        "%FILTER_STATE(a:FIELD:b):3%",
        "%DYNAMIC_METADATA(a::b):3%",
        "%DOWNSTREAM_PEER_CERT_V_START%",
        "%EMIT_TIME(%s)%",
        "%REQUESTED_SERVER_NAME(HOST_FIRST)%",
        "%REQUESTED_SERVER_NAME(SNI_ONLY:ORIG)%",
    ];
    for format in taken {
        assert!(Format::parse(format).is_ok(), "{format}");
    }
}

#[test]
fn an_operator_that_is_absent_is_named() {
    let absent = Format::parse("%DOWNSTREAM_CX_RTT%").unwrap_err();
    assert_eq!(absent, "the proxy does not have the operator DOWNSTREAM_CX_RTT");
    assert!(Format::parse("%CEL(request.nothing)%").unwrap_err().contains("request.nothing"));
    assert_eq!(Format::parse("%NOPE%").unwrap_err(), "there is no operator NOPE");
}

#[test]
fn headers_get_nothing_for_missing_values() {
    let format = Format::parse("a%REQ(X)%b").unwrap().omit_empty();
    assert_eq!(rendered(|context| format.text(context)), "ab");
    assert_eq!(Format::parse("a%%b").unwrap().constant(), Some("a%b"));
    assert_eq!(Format::parse("%PROTOCOL%").unwrap().constant(), None);
}

proptest! {
    #[test]
    fn no_format_makes_it_panic(format in "(%[A-Z_]{0,8}(\\([a-zA-Z:?%{}\"]{0,8}\\))?(:[0-9]{1,3})?%?|é|.){0,5}") {
        if let Ok(format) = Format::parse(&format) {
            rendered(|context| format.text(context));
        }
    }

    #[test]
    fn every_operator_renders(name in proptest::sample::select(vec!["REQ", "RESP", "TRAILER", "START_TIME",
        "DYNAMIC_METADATA", "METADATA", "FILTER_STATE", "COMMON_DURATION", "PATH", "QUERY_PARAM", "ENVIRONMENT"]),
        parameters in "[A-Za-z:?%é*.0-9]{0,10}", limit in 0usize..9) {
        for format in [format!("%{name}({parameters})%"), format!("%{name}({parameters}):{limit}%")] {
            if let Ok(format) = Format::parse(&format) {
                rendered(|context| format.text(context));
            }
        }
    }
}

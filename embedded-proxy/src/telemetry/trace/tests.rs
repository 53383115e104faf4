//! Spans of one request, compared with those that Envoy 1.40 exported for the same.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::config::{Overrides, Tracing, begin_upstream, respond};
use super::provider::Provider;
use crate::http::{Body, Headers, Request, RequestHead, Version};
use crate::proto::Fraction;
use crate::stream::{Connection, Direction, Exchange, Scratch, StreamInfo};
use crate::telemetry::export::Entries;

const NONE: Fraction = Fraction { numerator: 0, denominator: 100 };
const ID: &str = "4f16586e-e397-4dae-9e7d-d618003f3c3f";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn exchange(fields: &[(&'static str, &str)]) -> Exchange {
    let mut headers = Headers::new();
    for (name, value) in [("x-request-id", ID), ("user-agent", "curl/7.88.1")].iter().chain(fields) {
        headers.set(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let head = RequestHead {
        method: Method::GET,
        scheme: "http",
        authority: "127.0.0.1:23902".into(),
        path: "/dec?x=1".into(),
        upgrade: None,
        version: Version::Http11,
        headers,
    };
    let connection = Connection::plain("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
    let connection = Connection { direction: Direction::Outbound, ..connection };
    let mut info = StreamInfo::begin();
    info.code = Some(200);
    info.bytes_sent = 2;
    info.upstream.cluster = Some("col".into());
    info.upstream.host = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 23911)).into());
    info.upstream.protocol = Some("HTTP/1.1");
    Exchange {
        request: Request { head, body: Body::Empty },
        connection: Arc::new(connection),
        route: None,
        route_stale: false,
        info,
        random: 0,
        scratch: Scratch::default(),
    }
}

fn tracing(random: Fraction, spawns: bool) -> (Arc<Tracing>, Entries<Span>) {
    let (provider, spans) = Provider::for_tests();
    (Arc::new(Tracing::for_tests(provider, random, spawns)), spans)
}

fn pairs(span: &Span) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    let pair = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        (pair.key.clone(), text(pair.value.as_ref().unwrap().value.as_ref().unwrap()))
    };
    span.attributes.iter().map(pair).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sampled_request_has_envoys_attributes() {
    let (tracing, mut spans) = tracing(Fraction::ALL, false);
    let mut exchange = exchange(&[]);
    tracing.begin(&mut exchange, Overrides { operation: Some("op1"), propagate: true, ..Overrides::default() }, true);
    let id = exchange.request.head.headers.text(&HeaderName::from_static("x-request-id")).unwrap().to_string();
    assert_eq!(id, "4f16586e-e397-9dae-9e7d-d618003f3c3f", "the id remembers the decision");
    let told = exchange.request.head.headers.text(&HeaderName::from_static("x-envoy-decorator-operation"));
    assert_eq!(told, Some("op1"), "the server is told the name");
    tracing.end(&exchange, &[]);
    let span = spans.next().await.unwrap().remove(0);
    assert_eq!(span.name, "op1");
    let expected = [
        ("node_id", ""),
        ("zone", ""),
        ("guid:x-request-id", id.as_str()),
        ("http.url", "http://127.0.0.1:23902/dec?x=1"),
        ("http.method", "GET"),
        ("downstream_cluster", "-"),
        ("user_agent", "curl/7.88.1"),
        ("http.protocol", "HTTP/1.1"),
        ("peer.address", "127.0.0.1"),
        ("request_size", "0"),
        ("response_size", "2"),
        ("component", "proxy"),
        ("upstream_cluster", "col"),
        ("upstream_cluster.name", "col"),
        ("http.status_code", "200"),
        ("response_flags", "-"),
    ];
    assert_eq!(pairs(&span), expected.map(|(key, value)| (key.to_string(), value.to_string())));
}

#[tokio::test(start_paused = true)]
async fn attempts_have_spans_under_the_request() {
    let (tracing, mut spans) = tracing(Fraction::ALL, true);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let mut exchange = exchange(&[("traceparent", &parent)]);
    tracing.begin(&mut exchange, Overrides::default(), true);
    let mut sent = exchange.request.head.clone();
    begin_upstream(&exchange, "col", &mut sent).unwrap().end(&exchange, Some(200));
    let upstream = spans.next().await.unwrap().remove(0);
    tracing.end(&exchange, &[]);
    let own = spans.next().await.unwrap().remove(0);
    assert_eq!((own.name.as_str(), upstream.name.as_str()), ("egress 127.0.0.1:23902", "router col egress"));
    assert_eq!(own.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!(upstream.parent_span_id, own.span_id);
    let told = sent.headers.text(&HeaderName::from_static("traceparent")).unwrap().to_string();
    assert_eq!(told, format!("00-{TRACE}-{}-01", super::propagate::hex(&upstream.span_id)));
    let keys: Vec<String> = pairs(&upstream).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys[..3], ["http.protocol", "upstream_address", "peer.address"]);
}

#[tokio::test(start_paused = true)]
async fn who_wants_a_trace_gets_one() {
    let sampled = |fields: &[(&'static str, &str)], random| {
        let (tracing, _spans) = tracing(random, false);
        let mut exchange = exchange(fields);
        tracing.begin(&mut exchange, Overrides::default(), true);
        let id = exchange.request.head.headers.text(&HeaderName::from_static("x-request-id")).unwrap().to_string();
        (exchange.info.trace.unwrap().1, id.as_bytes()[14])
    };
    assert_eq!(sampled(&[], NONE), (false, b'4'));
    assert_eq!(sampled(&[("x-client-trace-id", "x")], NONE), (true, b'b'));
    assert_eq!(sampled(&[("x-envoy-force-trace", "true")], NONE), (true, b'a'));
    let off = format!("00-{TRACE}-b7ad6b7169203331-00");
    assert_eq!(sampled(&[("traceparent", &off)], Fraction::ALL), (false, b'9'), "what the caller says counts");
    assert_eq!(sampled(&[("x-request-id", "4f16586e-e397-9dae-9e7d-d618003f3c3f")], NONE), (true, b'9'));
}

#[tokio::test(start_paused = true)]
async fn a_client_takes_the_servers_name() {
    let (tracing, mut spans) = tracing(Fraction::ALL, false);
    let mut exchange = exchange(&[]);
    tracing.begin(&mut exchange, Overrides::default(), true);
    let mut headers = Headers::new();
    headers.set(HeaderName::from_static("x-envoy-decorator-operation"), HeaderValue::from_static("theirs"));
    respond(&mut exchange, &mut headers);
    assert!(headers.is_empty());
    tracing.end(&exchange, &[]);
    assert_eq!(spans.next().await.unwrap()[0].name, "theirs");
}

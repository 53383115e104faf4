//! Labels and values as Istio's documentation has them.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::IstioStats;
use crate::filters::http::HttpFilter as _;
use crate::http::{Body, Headers, Request, RequestHead, ResponseHead, Version};
use crate::istio::{Peers, Workload};
use crate::proto::{Defects, Reader, from_json};
use crate::services::{Build, for_tests_of};
use crate::stream::{Connection, Direction, Exchange, Scratch, StreamInfo, Tls};
use crate::telemetry::stats::{Query, prometheus};

fn build() -> Build {
    let metadata = json!({"WORKLOAD_NAME": "web", "NAMESPACE": "shop", "CLUSTER_ID": "k", "ISTIO_VERSION": "1.30",
        "LABELS": {"app": "web", "version": "v1", "service.istio.io/canonical-name": "web",
            "service.istio.io/canonical-revision": "v1"}});
    let metadata = serde_json::from_value(metadata).unwrap();
    for_tests_of(crate::bootstrap::Node { metadata, ..crate::bootstrap::Node::default() })
}

fn read(build: &Build, config: &Value) -> Result<IstioStats, String> {
    let message = from_json("stats.PluginConfig", config).unwrap();
    let defects = Defects::new();
    let reader = Reader::new(message, "", &defects);
    let filter = IstioStats::read(&reader, build);
    drop(reader);
    defects.verdict(filter).map_err(|defects| defects[0].to_string())
}

fn exchange(direction: Direction) -> Exchange {
    let head = RequestHead {
        method: Method::GET,
        scheme: "http",
        authority: "reviews".into(),
        path: "/".into(),
        upgrade: None,
        version: Version::Http11,
        headers: Headers::new(),
    };
    let tls = Tls {
        peer_uris: vec!["spiffe://td/ns/books/sa/reviews".into()],
        local_uris: vec!["spiffe://td/ns/shop/sa/web".into()],
        ..Tls::default()
    };
    let tls = Arc::new(tls);
    let connection = Connection::plain("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
    let mut info = StreamInfo::begin();
    info.code = Some(200);
    info.upstream.cluster = Some("outbound|80||reviews.books.svc.cluster.local".into());
    info.upstream.tls = Some(tls.clone());
    let service = json!({"services": [{"host": "reviews.books.svc.cluster.local", "name": "reviews"}]});
    info.cluster_metadata = Some(Arc::new([("istio".to_string(), service)].into()));
    info.response = Some(ResponseHead::new(StatusCode::OK));
    let peer = Arc::new(Workload { workload: "reviews-v1".into(), cluster: "k".into(), ..Workload::default() });
    let mut scratch = Scratch::default();
    scratch.put(Peers { downstream: Some(peer.clone()), upstream: Some(peer) });
    Exchange {
        request: Request { head, body: Body::Empty },
        connection: Arc::new(Connection { direction, tls: Some(tls), ..connection }),
        route: None,
        route_stale: false,
        info,
        random: 0,
        scratch,
    }
}

/// The line of `istio_requests_total`.
fn requests(build: &Build) -> String {
    let text = prometheus(&build.services.stats, &Query::default());
    text.lines().find(|line| line.starts_with("istio_requests_total{")).unwrap_or_default().to_string()
}

#[tokio::test]
async fn the_client_reports_source_and_destination() {
    let build = build();
    let filter = read(&build, &json!({})).unwrap();
    filter.on_end(&exchange(Direction::Outbound));
    filter.on_end(&exchange(Direction::Outbound));
    let expected = "istio_requests_total{reporter=\"source\",source_workload=\"web\",source_canonical_service=\"web\",\
        source_canonical_revision=\"v1\",source_workload_namespace=\"shop\",\
        source_principal=\"spiffe://td/ns/shop/sa/web\",source_app=\"web\",source_version=\"v1\",source_cluster=\"k\",\
        destination_workload=\"reviews-v1\",destination_workload_namespace=\"books\",\
        destination_principal=\"spiffe://td/ns/books/sa/reviews\",destination_app=\"unknown\",\
        destination_version=\"unknown\",destination_service=\"reviews.books.svc.cluster.local\",\
        destination_canonical_service=\"unknown\",destination_canonical_revision=\"latest\",\
        destination_service_name=\"reviews\",destination_service_namespace=\"books\",destination_cluster=\"k\",\
        request_protocol=\"http\",response_code=\"200\",grpc_response_status=\"\",response_flags=\"-\",\
        connection_security_policy=\"unknown\"} 2";
    assert_eq!(requests(&build), expected);
    let text = prometheus(&build.services.stats, &Query::default());
    assert!(text.contains("istio_build{component=\"proxy\",tag=\"1.30\"} 1"), "{text}");
    assert!(text.contains("# TYPE istio_request_duration_milliseconds histogram"), "{text}");
}

#[tokio::test]
async fn the_server_reports_the_proven_peer() {
    let build = build();
    read(&build, &json!({})).unwrap().on_end(&exchange(Direction::Inbound));
    let none = requests(&build);
    assert_eq!(none, "", "a filter that is gone takes its series with it");
    let filter = read(&build, &json!({})).unwrap();
    filter.on_end(&exchange(Direction::Inbound));
    let line = requests(&build);
    for label in [
        "reporter=\"destination\"",
        "source_workload=\"reviews-v1\"",
        "source_workload_namespace=\"books\"",
        "source_principal=\"spiffe://td/ns/books/sa/reviews\"",
        "destination_workload=\"web\"",
        "destination_service=\"reviews.books.svc.cluster.local\"",
        "connection_security_policy=\"mutual_tls\"",
    ] {
        assert!(line.contains(label), "{label}: {line}");
    }
}

#[tokio::test]
async fn labels_and_metrics_are_changed_by_configuration() {
    let build = build();
    let filter = read(
        &build,
        &json!({"metrics": [
            {"name": "requests_total", "dimensions": {"host": "request.host", "source_app": "'other'"},
                "tags_to_remove": ["source_principal"]},
            {"name": "request_bytes", "drop": true},
        ]}),
    )
    .unwrap();
    filter.on_end(&exchange(Direction::Outbound));
    let line = requests(&build);
    assert!(line.contains("source_app=\"other\"") && line.contains("host=\"reviews\"}"), "{line}");
    assert!(!line.contains("source_principal"), "{line}");
    let text = prometheus(&build.services.stats, &Query::default());
    assert!(!text.contains("istio_request_bytes"), "{text}");
    assert!(text.contains("istio_response_bytes"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_evaluated_is_named() {
    let build = build();
    let error = read(&build, &json!({"metrics": [{"dimensions": {"a": "request.nothing + 1"}}]})).unwrap_err();
    assert!(error.starts_with("metrics[0].dimensions[\"a\"]: ") && error.contains("request.nothing"), "{error}");
    assert!(read(&build, &json!({"definitions": [{"name": "x", "value": "1"}]})).is_err());
}

#[tokio::test]
async fn connections_are_counted_when_they_end() {
    let build = build();
    let filter = read(&build, &json!({})).unwrap();
    let exchange = exchange(Direction::Outbound);
    let mut info = exchange.info;
    (info.bytes_sent, info.bytes_received) = (7, 5);
    filter.connection(&exchange.connection, &info);
    let text = prometheus(&build.services.stats, &Query::default());
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap_or_default();
        assert!(line.contains("request_protocol=\"tcp\"") && !line.contains("response_code"), "{line}");
        line.rsplit(' ').next().unwrap_or_default().to_string()
    };
    assert_eq!(value("istio_tcp_connections_opened_total"), "1");
    assert_eq!(value("istio_tcp_connections_closed_total"), "1");
    assert_eq!(
        (value("istio_tcp_sent_bytes_total"), value("istio_tcp_received_bytes_total")),
        ("7".into(), "5".into())
    );
}

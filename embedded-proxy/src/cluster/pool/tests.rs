//! Requests through real sockets to small servers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::cluster::testing::{apply, assignment, build};
use crate::cluster::{Cluster, Host, SendOptions, UpstreamErrorKind};
use crate::http::{Body, Frame, Headers, Request, RequestHead, Version};

/// A cluster with one host.
fn cluster(port: u16, more: &Value) -> (Arc<Cluster>, Arc<Host>) {
    let mut value = json!({"name": "c", "load_assignment": assignment(&[("127.0.0.1", port, 1)])});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let cluster = apply(&value, &build());
    let host = cluster.hosts()[0].clone();
    (cluster, host)
}

fn http2(more: &Value) -> Value {
    json!({"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": more},
    }}})
}

fn request(path: &str, body: Body) -> Request {
    let head = RequestHead {
        method: if body.is_empty() { Method::GET } else { Method::POST },
        scheme: "http",
        authority: "example.com".into(),
        path: path.into(),
        upgrade: None,
        version: Version::Http11,
        headers: Headers::new(),
    };
    Request { head, body }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Reads one request head and answers with its first line as the body.
async fn answer_once(tcp: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    let line = String::from_utf8(head).unwrap().lines().next().unwrap().to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{line}", line.len());
    tcp.write_all(answer.as_bytes()).await.is_ok()
}

/// Serves connections one after the other, each for `requests` requests.
fn serve_http1(listener: TcpListener, requests: usize) {
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                for _ in 0..requests {
                    if !answer_once(&mut tcp).await {
                        return;
                    }
                }
            });
        }
    });
}

async fn get(cluster: &Arc<Cluster>, host: &Arc<Host>, path: &str) -> String {
    let answer = cluster.send(host, request(path, Body::Empty), &SendOptions::default()).await.unwrap();
    assert_eq!(answer.response.head.status, StatusCode::OK);
    let mut body = answer.response.body;
    String::from_utf8(body.collect(1 << 20).await.unwrap().0.to_vec()).unwrap()
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let (listener, port) = listen().await;
    serve_http1(listener, usize::MAX);
    let (cluster, host) = cluster(port, &json!({}));
    for path in ["/a", "/b", "/c"] {
        assert_eq!(get(&cluster, &host, path).await, format!("GET {path} HTTP/1.1"));
    }
    let stats = &cluster.upstream.stats;
    assert_eq!((stats.cx_total.value(), stats.rq_total.value(), stats.rq_pending_total.value()), (1, 3, 1));
    assert_eq!((stats.cx_active.value(), stats.rq_active.value()), (1, 0));
    assert!(stats.cx_rx_bytes_total.value() > 0 && stats.cx_tx_bytes_total.value() > 0);
    let breakers = cluster.breakers(crate::cluster::Priority::Default);
    assert_eq!((breakers.connections.used(), breakers.requests.used(), breakers.pending.used()), (1, 0, 0));
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_is_not_used() {
    let (listener, port) = listen().await;
    serve_http1(listener, 1);
    let (cluster, host) = cluster(port, &json!({}));
    for _ in 0..3 {
        get(&cluster, &host, "/").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stats = &cluster.upstream.stats;
    assert_eq!((stats.cx_total.value(), stats.cx_destroy_remote.value()), (3, 2));
    assert_eq!(host.stats.cx_active.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_request_waits_for_the_only_connection_and_the_next_is_refused() {
    let (listener, port) = listen().await;
    let (cluster, host) = cluster(
        port,
        &json!({"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}}),
    );
    let send = |path: &'static str| {
        let (cluster, host) = (cluster.clone(), host.clone());
        tokio::spawn(async move { get(&cluster, &host, path).await })
    };
    let first = send("/1");
    let (mut tcp, _) = listener.accept().await.unwrap();
    let stats = &cluster.upstream.stats;
    while stats.rq_active.value() < 1 {
        tokio::task::yield_now().await;
    }
    let second = send("/2");
    while stats.rq_pending_active.value() < 1 {
        tokio::task::yield_now().await;
    }
    let third = cluster.send(&host, request("/3", Body::Empty), &SendOptions::default()).await;
    assert_eq!(third.unwrap_err().kind, UpstreamErrorKind::Overflow);
    assert_eq!(stats.rq_pending_overflow.value(), 1);
    assert!(answer_once(&mut tcp).await && answer_once(&mut tcp).await);
    assert_eq!(first.await.unwrap(), "GET /1 HTTP/1.1");
    assert_eq!(second.await.unwrap(), "GET /2 HTTP/1.1");
    assert_eq!((stats.cx_total.value(), stats.cx_overflow.value()), (1, 1));
}

#[tokio::test]
async fn a_refused_connection_fails_all_who_wait() {
    let (listener, port) = listen().await;
    drop(listener);
    let (cluster, host) = cluster(port, &json!({}));
    let error = cluster.send(&host, request("/", Body::Empty), &SendOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (UpstreamErrorKind::ConnectFailure, false));
    assert_eq!(error.detail, "delayed connect error: Connection refused");
    let stats = &cluster.upstream.stats;
    assert_eq!((stats.cx_connect_fail.value(), stats.rq_pending_failure_eject.value()), (1, 1));
    assert_eq!((stats.cx_active.value(), stats.rq_pending_active.value()), (0, 0));
    let error = cluster.connect(&host, &SendOptions::default()).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::ConnectFailure);
}

#[tokio::test]
async fn idle_connections_are_closed_after_their_time() {
    let (listener, port) = listen().await;
    serve_http1(listener, usize::MAX);
    let (cluster, host) = cluster(port, &json!({"common_http_protocol_options": {"idle_timeout": "0.05s"}}));
    get(&cluster, &host, "/").await;
    let stats = &cluster.upstream.stats;
    assert_eq!(stats.cx_active.value(), 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((stats.cx_active.value(), stats.cx_idle_timeout.value()), (0, 1));
}

#[tokio::test]
async fn a_connection_serves_only_so_many_requests() {
    let (listener, port) = listen().await;
    serve_http1(listener, usize::MAX);
    let (cluster, host) = cluster(port, &json!({"max_requests_per_connection": 2}));
    for _ in 0..4 {
        get(&cluster, &host, "/").await;
    }
    let stats = &cluster.upstream.stats;
    assert_eq!((stats.cx_total.value(), stats.cx_max_requests.value(), stats.cx_active.value()), (2, 2, 0));
}

/// A server of HTTP/2 that answers with path and body, and the body's size as trailer.
fn serve_http2(listener: TcpListener, streams: u32, delay: Duration) {
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut builder = h2::server::Builder::new();
                let mut h2 = builder.max_concurrent_streams(streams).handshake::<_, Bytes>(tcp).await.unwrap();
                while let Some(Ok((request, respond))) = h2.accept().await {
                    tokio::spawn(echo(request, respond, delay));
                }
            });
        }
    });
}

async fn echo(request: http::Request<h2::RecvStream>, mut respond: h2::server::SendResponse<Bytes>, delay: Duration) {
    let path = request.uri().path().to_string();
    let mut body = request.into_body();
    let mut bytes = path.into_bytes();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
    }
    tokio::time::sleep(delay).await;
    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
    let size = bytes.len();
    stream.send_data(bytes.into(), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("size", size.into());
    stream.send_trailers(trailers).unwrap();
}

#[tokio::test]
async fn http2_carries_bodies_and_trailers_both_ways() {
    let (listener, port) = listen().await;
    serve_http2(listener, 100, Duration::ZERO);
    let (cluster, host) = cluster(port, &http2(&json!({})));
    let body = Body::Full(Bytes::from(vec![b'x'; 300_000]));
    let answer = cluster.send(&host, request("/up", body), &SendOptions::default()).await.unwrap();
    assert_eq!(answer.facts.protocol, Some(Version::Http2));
    let mut body = answer.response.body;
    let (mut size, mut trailers) = (0, None);
    while let Some(frame) = body.frame().await {
        match frame.unwrap() {
            Frame::Data(data) => size += data.len(),
            Frame::Trailers(fields) => trailers = Some(fields),
        }
    }
    assert_eq!(size, 300_003);
    let size = HeaderValue::from_static("300003");
    assert_eq!(trailers.unwrap().get(&HeaderName::from_static("size")), Some(&size));
    drop(body);
    assert_eq!(cluster.upstream.stats.rq_active.value(), 0);
}

#[tokio::test]
async fn the_limit_of_streams_opens_more_connections() {
    let (listener, port) = listen().await;
    serve_http2(listener, 2, Duration::from_millis(100));
    let (cluster, host) = cluster(port, &http2(&json!({})));
    get(&cluster, &host, "/settles").await;
    let all: Vec<_> = (0..6)
        .map(|_| {
            let (cluster, host) = (cluster.clone(), host.clone());
            tokio::spawn(async move { get(&cluster, &host, "/x").await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), "/x");
    }
    let stats = &cluster.upstream.stats;
    assert!((2..=3).contains(&stats.cx_total.value()), "{} connections", stats.cx_total.value());
    assert_eq!((stats.cx_http2_total.value(), stats.rq_total.value()), (stats.cx_total.value(), 7));
}

#[tokio::test]
async fn streams_wait_when_no_other_connection_is_allowed() {
    let (listener, port) = listen().await;
    serve_http2(listener, 2, Duration::from_millis(20));
    let mut config = http2(&json!({}));
    config["circuit_breakers"] = json!({"thresholds": [{"max_connections": 1}]});
    let (cluster, host) = cluster(port, &config);
    get(&cluster, &host, "/settles").await;
    let all: Vec<_> = (0..9)
        .map(|_| {
            let (cluster, host) = (cluster.clone(), host.clone());
            tokio::spawn(async move { get(&cluster, &host, "/x").await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), "/x");
    }
    let stats = &cluster.upstream.stats;
    assert_eq!((stats.cx_total.value(), stats.rq_pending_active.value()), (1, 0));
    assert_eq!(stats.rq_rx_reset.value(), 0, "nothing was refused");
}

#[tokio::test]
async fn a_refused_stream_was_not_sent_and_goaway_means_a_new_connection() {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        for round in 0.. {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut h2 = h2::server::Builder::new().handshake::<_, Bytes>(tcp).await.unwrap();
                while let Some(Ok((request, mut respond))) = h2.accept().await {
                    if request.uri().path() == "/refuse" {
                        respond.send_reset(h2::Reason::REFUSED_STREAM);
                        continue;
                    }
                    let mut response = http::Response::new(());
                    response.headers_mut().insert("round", HeaderValue::from(round));
                    respond.send_response(response, true).unwrap();
                    h2.graceful_shutdown();
                }
            });
        }
    });
    let (cluster, host) = cluster(port, &http2(&json!({})));
    let error = cluster.send(&host, request("/refuse", Body::Empty), &SendOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (UpstreamErrorKind::Refused, false));
    for round in 0..3 {
        let answer = cluster.send(&host, request("/", Body::Empty), &SendOptions::default()).await.unwrap();
        let seen = answer.response.head.headers.text(&HeaderName::from_static("round")).map(str::to_string);
        assert_eq!(seen, Some(round.to_string()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cluster.upstream.stats.rq_rx_reset.value(), 1);
}

#[tokio::test]
async fn quiet_http2_connections_are_closed_and_dropped_requests_are_reset() {
    let (listener, port) = listen().await;
    serve_http2(listener, 10, Duration::from_mins(1));
    let mut config = http2(&json!({}));
    config["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]["common_http_protocol_options"] =
        json!({"idle_timeout": "0.1s"});
    let (cluster, host) = cluster(port, &config);
    let stats = &cluster.upstream.stats;
    let options = SendOptions::default();
    let send = cluster.send(&host, request("/", Body::Empty), &options);
    assert!(tokio::time::timeout(Duration::from_millis(250), send).await.is_err());
    assert_eq!((stats.cx_active.value(), stats.rq_active.value(), stats.rq_tx_reset.value()), (1, 0, 1));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!((stats.cx_active.value(), stats.cx_idle_timeout.value()), (0, 1));
}

#[tokio::test]
async fn proxy_protocol_comes_before_everything() {
    let (listener, port) = listen().await;
    let config = json!({"transport_socket": {
        "name": "proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": "V1"},
            "transport_socket": {"name": "raw", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}},
        },
    }});
    let (cluster, host) = cluster(port, &config);
    let (io, facts) = cluster.connect(&host, &SendOptions::default()).await.unwrap();
    let (mut tcp, _) = listener.accept().await.unwrap();
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {port}\r\n", facts.local.unwrap().port());
    let mut line = vec![0; expected.len()];
    tcp.read_exact(&mut line).await.unwrap();
    assert_eq!(String::from_utf8(line).unwrap(), expected);
    let stats = &cluster.upstream.stats;
    assert_eq!(stats.cx_active.value(), 1);
    drop(io);
    assert_eq!(stats.cx_active.value(), 0);
}

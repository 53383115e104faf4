//! The server side against the client side of the `h2` crate, with the whole connection manager between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::cluster::testing::{apply, assignment};
use crate::hcm::Hcm;
use crate::net::{Drain, DrainControl, Io};
use crate::services::Build;
use crate::stream::Connection;
use crate::telemetry::stats::Scope;

/// A connection to a server, and the task that serves it.
struct Client {
    send: SendRequest<Bytes>,
    server: JoinHandle<()>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

fn hcm(routes: &Value, more: &Value) -> Arc<Hcm> {
    let mut config = json!({
        "codec_type": "HTTP2",
        "route_config": {"validate_clusters": false, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http2_protocol_options": {"allow_connect": true},
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Arc::new(Hcm::for_tests(&config))
}

fn hello() -> Value {
    json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "hello"}}}])
}

fn to_cluster() -> Value {
    json!([
        {"match": {"connect_matcher": {}}, "route": {"cluster": "c", "upgrade_configs": [{"upgrade_type": "CONNECT"}]}},
        {"match": {"prefix": "/"}, "route": {"cluster": "c"}},
    ])
}

fn downstream() -> Arc<Connection> {
    let address = "127.0.0.1:1".parse().unwrap();
    Arc::new(Connection::plain(address, address))
}

async fn connect(hcm: &Arc<Hcm>, drain: Drain) -> Client {
    let (near, far) = tokio::io::duplex(1 << 20);
    let connection = downstream();
    let server = tokio::spawn(super::serve(Io::Memory(far), connection, hcm.clone(), drain));
    let (send, h2) = h2::client::handshake(near).await.unwrap();
    let driver = tokio::spawn(h2);
    Client { send, server, driver }
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://example.com{path}")).body(()).unwrap()
}

async fn text(response: http::Response<h2::RecvStream>) -> (StatusCode, String, Option<HeaderMap>) {
    let status = response.status();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        let _ = body.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
    }
    (status, String::from_utf8(bytes).unwrap(), body.trailers().await.unwrap())
}

impl Client {
    async fn get(&mut self, path: &str) -> (StatusCode, String, Option<HeaderMap>) {
        let (response, _) = self.send.clone().ready().await.unwrap().send_request(get(path), true).unwrap();
        text(response.await.unwrap()).await
    }
}

/// Adds the cluster `c` with one host.
fn add_cluster(hcm: &Arc<Hcm>, port: u16, more: &Value) {
    let services = hcm.services().clone();
    let scope = Scope::root(&services.stats);
    let mut value = json!({"name": "c", "load_assignment": assignment(&[("127.0.0.1", port, 1)])});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    apply(&value, &Build { services, scope });
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn requests_are_answered_on_their_streams() {
    let hcm = hcm(&hello(), &json!({}));
    let mut client = connect(&hcm, Drain::never()).await;
    for _ in 0..3 {
        let (status, body, trailers) = client.get("/").await;
        assert_eq!((status, body.as_str(), trailers), (StatusCode::OK, "hello", None));
    }
    drop(client.send);
    client.server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_streams_finish_and_opens_no_more() {
    let hcm = hcm(&hello(), &json!({}));
    let control = DrainControl::default();
    let mut client = connect(&hcm, control.drain()).await;
    assert_eq!(client.get("/").await.1, "hello");
    control.start(None);
    client.server.await.unwrap();
    client.driver.await.unwrap().unwrap();
    assert!(client.send.ready().await.is_err());
}

#[tokio::test]
async fn a_connection_takes_only_so_many_requests() {
    let limit = json!({"common_http_protocol_options": {"max_requests_per_connection": 2}});
    let hcm = hcm(&hello(), &limit);
    let mut client = connect(&hcm, Drain::never()).await;
    for _ in 0..2 {
        assert_eq!(client.get("/").await.0, StatusCode::OK);
    }
    client.server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_ends_and_a_ping_without_answer_too() {
    let quiet = json!({"common_http_protocol_options": {"idle_timeout": "7s"}});
    let hcm1 = hcm(&hello(), &quiet);
    let mut client = connect(&hcm1, Drain::never()).await;
    assert_eq!(client.get("/").await.0, StatusCode::OK);
    let start = tokio::time::Instant::now();
    client.server.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);

    let pings = json!({"http2_protocol_options": {
        "connection_keepalive": {"interval": "5s", "timeout": "2s", "interval_jitter": {"value": 0}}}});
    let hcm2 = hcm(&hello(), &pings);
    let (near, far) = tokio::io::duplex(1 << 20);
    let server = tokio::spawn(super::serve(Io::Memory(far), downstream(), hcm2.clone(), Drain::never()));
    // Says its preface and nothing more.
    let mut near = near;
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let start = tokio::time::Instant::now();
    server.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn a_client_that_resets_all_the_time_is_sent_away() {
    let (listener, port) = listen().await;
    let options = json!({"http2_protocol_options": {"stream_reset_burst": 5, "stream_reset_rate": 1}});
    let hcm = hcm(&to_cluster(), &options);
    add_cluster(&hcm, port, &json!({}));
    let client = connect(&hcm, Drain::never()).await;
    let mut send = client.send;
    for _ in 0..40 {
        let Ok(ready) = send.clone().ready().await else { break };
        send = ready;
        let Ok((_, mut stream)) = send.send_request(get("/"), false) else { break };
        tokio::task::yield_now().await;
        stream.send_reset(h2::Reason::CANCEL);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::timeout(Duration::from_secs(5), client.server).await.unwrap().unwrap();
    assert_eq!(client.driver.await.unwrap().unwrap_err().reason(), Some(h2::Reason::ENHANCE_YOUR_CALM));
    drop(listener);
}

#[tokio::test]
async fn http2_to_http1_and_a_client_that_leaves_closes_upstream() {
    let (listener, port) = listen().await;
    let hcm = hcm(&to_cluster(), &json!({}));
    add_cluster(&hcm, port, &json!({}));
    let mut client = connect(&hcm, Drain::never()).await;
    let server = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        while tcp.read_u8().await.unwrap() != b'\n' {}
        // The next request is never answered: its connection ends with its stream.
        let mut rest = Vec::new();
        tcp.read_to_end(&mut rest).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let mut request = get("/a");
    request.headers_mut().append("cookie", "a=1".parse().unwrap());
    request.headers_mut().append("cookie", "b=2".parse().unwrap());
    let (response, _) = client.send.send_request(request, true).unwrap();
    assert_eq!(text(response.await.unwrap()).await.1, "ok");
    let (response, mut stream) = client.send.send_request(get("/b"), false).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), response).await.is_err());
    stream.send_reset(h2::Reason::CANCEL);
    let head = tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    assert!(head.starts_with("GET /a HTTP/1.1\r\n") && head.contains("host: example.com\r\n"), "{head}");
    assert!(head.contains("cookie: a=1; b=2\r\n"), "{head}");
}

#[tokio::test]
async fn trailers_pass_both_ways_between_http2_sides() {
    let (listener, port) = listen().await;
    let hcm = hcm(&to_cluster(), &json!({}));
    add_cluster(&hcm, port, &json!({"http2_protocol_options": {}}));
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut h2 = h2::server::handshake(tcp).await.unwrap();
        while let Some(Ok((request, mut respond))) = h2.accept().await {
            tokio::spawn(async move {
                let mut body = request.into_body();
                let mut size = 0;
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    size += data.len();
                    let _ = body.flow_control().release_capacity(data.len());
                }
                let mut trailers = body.trailers().await.unwrap().unwrap();
                trailers.insert("size", size.into());
                let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                stream.send_data("body".into(), false).unwrap();
                stream.send_trailers(trailers).unwrap();
            });
        }
    });
    let mut client = connect(&hcm, Drain::never()).await;
    let mut request = get("/grpc");
    *request.method_mut() = Method::POST;
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    let (response, mut stream) = client.send.send_request(request, false).unwrap();
    stream.send_data(Bytes::from(vec![7; 200_000]), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("asked", "yes".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    let (_, body, trailers) = text(response.await.unwrap()).await;
    let trailers = trailers.unwrap();
    assert_eq!(
        (body.as_str(), &trailers["asked"], &trailers["size"]),
        ("body", &"yes".parse().unwrap(), &200_000.into())
    );
}

/// Opens a tunnel over HTTP/2 and says `ping` in it.
async fn tunnel(client: &mut Client, request: http::Request<()>) -> (StatusCode, String) {
    let (response, mut stream) = client.send.send_request(request, false).unwrap();
    let response = response.await.unwrap();
    let status = response.status();
    stream.send_data("ping".into(), true).unwrap();
    let (_, body, _) = text(response).await;
    (status, body)
}

#[tokio::test]
async fn extended_connect_becomes_an_upgrade() {
    let (listener, port) = listen().await;
    let hcm = hcm(&to_cluster(), &json!({"upgrade_configs": [{"upgrade_type": "websocket"}]}));
    add_cluster(&hcm, port, &json!({}));
    let server = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        tcp.write_all(answer.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        tcp.read_to_end(&mut rest).await.unwrap();
        tcp.write_all(b"pong ").await.unwrap();
        tcp.write_all(&rest).await.unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    });
    let mut client = connect(&hcm, Drain::never()).await;
    while !client.send.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let mut request = get("/chat");
    *request.method_mut() = Method::CONNECT;
    request.extensions_mut().insert(h2::ext::Protocol::from("websocket"));
    assert_eq!(tunnel(&mut client, request).await, (StatusCode::OK, "pong ping".into()));
    let head = server.await.unwrap();
    assert!(head.starts_with("get /chat http/1.1\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
}

#[tokio::test]
async fn a_request_whose_body_stalls_is_given_up() {
    let (listener, port) = listen().await;
    let hcm = hcm(&to_cluster(), &json!({"stream_idle_timeout": "0.1s"}));
    add_cluster(&hcm, port, &json!({}));
    let client = connect(&hcm, Drain::never()).await;
    let mut send = client.send;
    let (response, _stream) = send.send_request(get("/slow"), false).unwrap();
    let (_tcp, response) = tokio::join!(listener.accept(), response);
    let (status, body, _) = text(response.unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::REQUEST_TIMEOUT, "stream timeout"));
}

#[tokio::test]
async fn too_many_fields_reset_the_stream_and_no_other() {
    let hcm = hcm(&hello(), &json!({}));
    let mut client = connect(&hcm, Drain::never()).await;
    let mut request = get("/");
    for number in 0..101 {
        let name: http::HeaderName = format!("x-{number}").parse().unwrap();
        request.headers_mut().insert(name, "1".parse().unwrap());
    }
    let (response, _) = client.send.send_request(request, true).unwrap();
    assert!(response.await.unwrap_err().is_reset());
    assert_eq!(client.get("/").await.0, StatusCode::OK);
}

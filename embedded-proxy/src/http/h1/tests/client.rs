//! The client against servers that answer from a script.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::super::{Client, ClientOptions, Home};
use crate::cluster::{UpstreamError, UpstreamErrorKind};
use crate::http::{Body, Frame, Headers, Request, RequestHead, Response, StreamError, Version};
use crate::net::Io;

#[derive(Default)]
struct Shelf(Mutex<Vec<Client>>);

impl Home for Shelf {
    fn back(&self, client: Client) {
        self.0.lock().push(client);
    }
}

fn pair(options: ClientOptions) -> (Client, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Client::new(Io::Memory(ours), options, None), theirs)
}

fn request(method: Method, fields: &[(&'static str, &'static str)], body: Body) -> Request {
    let headers: Headers =
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let (authority, path) = ("a".to_string(), "/p".to_string());
    let version = Version::Http11;
    Request { head: RequestHead { method, scheme: "http", authority, path, upgrade: None, version, headers }, body }
}

async fn read(server: &mut DuplexStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(server.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// Sends a GET, answers it with `answer` and an end, and gives what came of it.
async fn answered(answer: &str) -> (Result<Response, UpstreamError>, Arc<Shelf>, DuplexStream) {
    let (client, mut server) = pair(ClientOptions::default());
    let shelf = Arc::new(Shelf::default());
    let sent = tokio::spawn(client.send(request(Method::GET, &[], Body::Empty), shelf.clone()));
    read(&mut server, "\r\n\r\n").await;
    server.write_all(answer.as_bytes()).await.unwrap();
    server.shutdown().await.unwrap();
    (sent.await.unwrap(), shelf, server)
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let (client, mut server) = pair(ClientOptions::default());
    let shelf = Arc::new(Shelf::default());
    let mut client = Some(client);
    for round in 1..4 {
        let body = Body::Full(Bytes::from_static(b"hello"));
        let request = request(Method::POST, &[("content-length", "5"), ("x", "1")], body);
        let sent = tokio::spawn(client.take().unwrap().send(request, shelf.clone()));
        let text = read(&mut server, "hello").await;
        assert_eq!(text, "POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nx: 1\r\n\r\nhello");
        server
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok")
            .await
            .unwrap();
        let mut response = sent.await.unwrap().unwrap();
        assert_eq!(response.head.status, StatusCode::OK);
        assert_eq!(response.body.collect(9).await.unwrap().0, "ok");
        let mut home = shelf.0.lock().pop().unwrap();
        assert!(home.is_open());
        assert_eq!(home.served(), round);
        client = Some(home);
    }
    drop(server);
    assert!(!client.unwrap().is_open(), "the server has closed it");
}

#[tokio::test]
async fn bodies_end_as_their_heads_say() {
    let body = |answer: &'static str| async move {
        let (response, shelf, _server) = answered(answer).await;
        let mut response = response.unwrap();
        let body = response.body.collect(1000).await.map(|(body, _)| String::from_utf8(body.to_vec()).unwrap());
        (body, shelf.0.lock().len())
    };
    let ok = |text: &str, home| (Ok(text.to_string()), home);
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").await, ok("abc", 1));
    assert_eq!(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await, ok("abc", 1));
    assert_eq!(body("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").await, ok("abc", 0));
    assert_eq!(body("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc").await, ok("abc", 0));
    assert_eq!(body("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc").await, ok("abc", 1));
    assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nto the end").await, ok("to the end", 0));
    assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n").await, ok("", 1));
    assert_eq!(body("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").await, ok("", 1));
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd").await, ok("abc", 0));
    const CUT: StreamError = StreamError::Protocol("http1.codec_error");
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab").await, (Err(CUT), 0));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cut = Box::leak(format!("{chunked}3\r\nabc\r\n").into_boxed_str());
    assert_eq!(body(cut).await, (Err(CUT), 0));
    let wrong = Box::leak(format!("{chunked}3\r\nabcX").into_boxed_str());
    assert!(matches!(body(wrong).await, (Err(StreamError::Protocol(_)), 0)));
}

#[tokio::test]
async fn invalid_answers_name_their_kind() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(101));
    for (answer, kind, detail) in [
        ("", UpstreamErrorKind::Disconnected, "connection_termination"),
        ("HTTP/1.1 200", UpstreamErrorKind::Disconnected, "connection_termination"),
        ("garbage\r\n\r\n", UpstreamErrorKind::Protocol, "http1.codec_error"),
        ("HTTP/1.1 200 OK\r\nx : 1\r\n\r\n", UpstreamErrorKind::Protocol, "http1.codec_error"),
        ("HTTP/1.1 200 OK\r\nx: 1\0\r\n\r\n", UpstreamErrorKind::Protocol, "http1.invalid_characters"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", UpstreamErrorKind::Protocol, "http1.codec_error"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            UpstreamErrorKind::Protocol,
            "http1.codec_error",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
            UpstreamErrorKind::Protocol,
            "http1.content_length_and_chunked_not_allowed",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\na",
            UpstreamErrorKind::Protocol,
            "http1.invalid_transfer_encoding",
        ),
        (
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            UpstreamErrorKind::Protocol,
            "http1.content_length_not_allowed",
        ),
        (&large, UpstreamErrorKind::TooLarge, "http1.headers_too_large"),
        (&many, UpstreamErrorKind::TooLarge, "http1.too_many_headers"),
    ] {
        let (response, shelf, _server) = answered(answer).await;
        let error = response.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str(), error.sent), (kind, detail, true), "{answer:.60}");
        assert!(shelf.0.lock().is_empty());
    }
}

#[tokio::test]
async fn trailers_go_both_ways_when_enabled() {
    for trailers in [true, false] {
        let (client, mut server) = pair(ClientOptions { trailers, ..ClientOptions::default() });
        let fields: Headers = [(HeaderName::from_static("t"), HeaderValue::from_static("1"))].into_iter().collect();
        let body = Body::ended(Bytes::from_static(b"abc"), Some(fields.clone()));
        let shelf = Arc::new(Shelf::default());
        let sent = tokio::spawn(client.send(request(Method::POST, &[], body), shelf.clone()));
        let end = if trailers { "3\r\nabc\r\n0\r\nt: 1\r\n\r\n" } else { "3\r\nabc\r\n0\r\n\r\n" };
        read(&mut server, end).await;
        server
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nt: 1\r\n\r\n")
            .await
            .unwrap();
        let mut response = sent.await.unwrap().unwrap();
        assert_eq!(response.body.frame().await, Some(Ok(Frame::Data(Bytes::from_static(b"a")))));
        assert_eq!(response.body.frame().await, trailers.then_some(Ok(Frame::Trailers(fields))));
        assert_eq!(shelf.0.lock().len(), 1);
    }
}

#[tokio::test]
async fn a_response_flows_while_the_request_is_still_sent() {
    let (client, mut server) = pair(ClientOptions::default());
    let (mut frames, body) = super::server::channel();
    let shelf = Arc::new(Shelf::default());
    let sent = tokio::spawn(client.send(request(Method::POST, &[], body), shelf.clone()));
    frames.send(b"one");
    read(&mut server, "3\r\none\r\n").await;
    server.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await.unwrap();
    let mut response = sent.await.unwrap().unwrap();
    assert_eq!(response.body.frame().await, Some(Ok(Frame::Data(Bytes::from_static(b"a")))));
    // Nobody reads the response now, and still the request goes on.
    frames.send(b"two");
    drop(frames);
    assert_eq!(read(&mut server, "0\r\n\r\n").await, "3\r\ntwo\r\n0\r\n\r\n");
    server.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(response.body.frame().await, None);
    assert_eq!(shelf.0.lock().len(), 1);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_costs_the_connection() {
    let (client, mut server) = pair(ClientOptions::default());
    let (frames, body) = super::server::channel();
    let shelf = Arc::new(Shelf::default());
    let sent = tokio::spawn(client.send(request(Method::POST, &[], body), shelf.clone()));
    read(&mut server, "\r\n\r\n").await;
    server.write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    let mut response = sent.await.unwrap().unwrap();
    assert_eq!(response.body.collect(9).await.unwrap().0, "no");
    assert!(shelf.0.lock().is_empty());
    let mut rest = Vec::new();
    assert_eq!(server.read_to_end(&mut rest).await.unwrap(), 0, "closed without the end of the chunked body");
    drop(frames);
}

#[tokio::test]
async fn a_body_that_fails_is_the_clients_fault() {
    let (client, _server) = pair(ClientOptions::default());
    let (mut frames, body) = super::server::channel();
    frames.fail(StreamError::Timeout);
    let error = client.send(request(Method::POST, &[], body), Arc::new(Shelf::default())).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::Request(StreamError::Timeout));
}

#[tokio::test]
async fn an_upgrade_is_a_tunnel_with_two_ends() {
    let (client, mut server) = pair(ClientOptions::default());
    let (mut frames, body) = super::server::channel();
    let mut upgrade = request(Method::GET, &[], body);
    upgrade.head.upgrade = Some("websocket".into());
    let sent = tokio::spawn(client.send(upgrade, Arc::new(Shelf::default())));
    let head = read(&mut server, "\r\n\r\n").await;
    assert!(head.ends_with("connection: upgrade\r\nupgrade: websocket\r\n\r\n"), "{head}");
    server
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhi")
        .await
        .unwrap();
    let mut response = sent.await.unwrap().unwrap();
    assert_eq!(response.head.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.head.headers.text(&header::UPGRADE), Some("websocket"));
    assert_eq!(response.body.frame().await, Some(Ok(Frame::Data(Bytes::from_static(b"hi")))));
    frames.send(b"raw");
    drop(frames);
    let mut rest = String::new();
    server.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "raw", "the end of the request ends one direction");
    server.write_all(b"bye").await.unwrap();
    drop(server);
    assert_eq!(response.body.collect(9).await.unwrap().0, "bye");
}

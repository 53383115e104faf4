//! Peers that stop reading: what the proxy holds for them has a bound.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use embedded_proxy::server::Server;
use serde_json::json;
use socket2::{Domain, SockRef, Socket, Type};

use super::config::{bootstrap, hcm, listener};
use super::support::*;

/// Bytes of a large message: more than all buffers on the way.
const LARGE: usize = 64 << 20;

/// Bytes that may be on the way: buffers of the kernel on two connections, and those of the proxy.
const MOST: usize = 40 << 20;

fn proxy(origin: SocketAddr) -> Server {
    let hcm = hcm(&json!({ "timeout": "0s" }), &json!({ "stream_idle_timeout": "1s" }));
    start(&bootstrap(&[listener("main", &hcm)], origin))
}

/// Waits until a count does not grow any more; returns it.
fn settled(count: &AtomicUsize) -> usize {
    let mut last = 0;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = count.load(Ordering::SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
}

/// Sends in pieces and counts what went.
fn pour(connection: &mut TcpStream, count: &AtomicUsize) {
    let piece = vec![b'x'; 64 << 10];
    for _ in 0..LARGE / piece.len() {
        if connection.write_all(&piece).is_err() {
            return;
        }
        count.fetch_add(piece.len(), Ordering::SeqCst);
    }
}

/// An origin with a large answer, and how much of it went.
fn generous() -> (SocketAddr, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let address = origin(move |mut connection| {
        while !head(&mut connection).is_empty() {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n");
            connection.write_all(head.as_bytes()).unwrap();
            pour(&mut connection, &count);
        }
    });
    (address, sent)
}

/// A client whose kernel takes little.
fn narrow(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn a_client_that_does_not_read_stops_the_origin() {
    let (origin, sent) = generous();
    let hcm = hcm(&json!({ "timeout": "0s" }), &json!({}));
    let server = start(&bootstrap(&[listener("main", &hcm)], origin));
    let to = server.address("main").unwrap();
    let mut client = narrow(to);
    client.write_all(GOOD).unwrap();
    let held = settled(&sent);
    assert!(held < MOST, "{held} bytes were read for a client that reads none");
    // Nothing is lost when it reads at last.
    let mut all = 0;
    let mut piece = vec![0; 256 << 10];
    while let Ok(read @ 1..) = client.read(&mut piece) {
        all += read;
    }
    assert!(all > LARGE, "{all} bytes of {LARGE} and a head came");
    emptied(&server, "main");
    // One that goes away without reading lets the origin go.
    let before = sent.load(Ordering::SeqCst);
    let mut client = narrow(to);
    client.write_all(GOOD).unwrap();
    eventually("the origin sends", || sent.load(Ordering::SeqCst) > before);
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    emptied(&server, "main");
    eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_rq_active") == 0);
    server.shutdown();
}

#[test]
fn an_http2_client_without_window_stops_the_origin() {
    let (origin, sent) = generous();
    let server = proxy(origin);
    let to = server.address("main").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, reset) = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(to).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("http://a/").body(()).unwrap();
        let (response, _) = sender.send_request(request, true).unwrap();
        let (head, mut body) = response.await.unwrap().into_parts();
        // No capacity is given back. The stream is idle then, and is reset.
        let reset = async {
            loop {
                match body.data().await {
                    Some(Ok(_)) => {}
                    other => return other.map(|frame| frame.map(drop).unwrap_err().reason()),
                }
            }
        };
        (head.status, tokio::time::timeout(PATIENCE, reset).await.expect("the idle stream ends"))
    });
    assert_eq!(status, 200);
    assert!(reset.is_some(), "the response must not look whole");
    assert!(sent.load(Ordering::SeqCst) < MOST);
    drop(runtime);
    emptied(&server, "main");
    eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_rq_active") == 0);
    server.shutdown();
}

#[test]
fn an_origin_that_does_not_read_stops_the_client() {
    let stuck = origin(|connection| {
        // Reads nothing, keeps the connection.
        std::thread::sleep(PATIENCE * 2);
        drop(connection);
    });
    let server = proxy(stuck);
    let to = server.address("main").unwrap();
    let client = connect(to);
    let mut writer = client.try_clone().unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let writing = std::thread::spawn(move || {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
        writer.write_all(head.as_bytes()).unwrap();
        pour(&mut writer, &count);
    });
    let held = settled(&sent);
    assert!(held < MOST, "{held} bytes were taken for an origin that reads none");
    client.shutdown(std::net::Shutdown::Both).unwrap();
    writing.join().unwrap();
    server.shutdown();
}

//! Clients that leave, or wait too long, while their request waits for an origin that reads nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use embedded_proxy::server::Server;
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use super::config::{bootstrap, hcm, listener, log};
use super::support::*;

/// Promised by requests; less than that is sent.
const LARGE: usize = 64 << 20;

/// An origin that takes connections and little else.
fn stuck() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(16).unwrap();
    let listener: std::net::TcpListener = socket.into();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let kept: Vec<TcpStream> = listener.incoming().map_while(Result::ok).collect();
        drop(kept);
    });
    address
}

fn proxy(file: &Path, fields: &Value) -> Server {
    let mut all = log(file);
    for (name, value) in fields.as_object().unwrap() {
        all[name.as_str()] = value.clone();
    }
    start(&bootstrap(&[listener("main", &hcm(&json!({ "timeout": "0s" }), &all))], stuck()))
}

/// A client whose upload got stuck; its kernel has got rid of all that it wrote.
fn upload(server: &Server) -> TcpStream {
    let mut client = connect(server.address("main").unwrap());
    client.write_all(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n").as_bytes()).unwrap();
    let passed = || stat(server, "cluster.origin.upstream_cx_tx_bytes_total");
    let piece = vec![b'x'; 32 << 10];
    for sent in 1_i64.. {
        client.write_all(&piece).unwrap();
        let began = Instant::now();
        // The origin's connection takes no more: what is left lies in the proxy and before it.
        while passed() < sent * (32 << 10) {
            if began.elapsed() > Duration::from_millis(400) {
                assert!(sent > 2, "the origin takes something");
                return client;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    client
}

/// The lines of the access log, when there are some.
fn logged(file: &Path) -> String {
    eventually("the end is logged", || std::fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n')));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn who_leaves_a_stuck_upload_is_missed_at_once() {
    for reset in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let server = proxy(&file, &json!({}));
        let client = upload(&server);
        assert_eq!(stat(&server, "cluster.origin.upstream_rq_active"), 1);
        if reset {
            SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        }
        let left = Instant::now();
        drop(client);
        emptied(&server, "main");
        assert!(left.elapsed() < Duration::from_secs(2), "no timeout is waited for");
        eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_cx_active") == 0);
        server.drain();
        server.wait();
        assert_eq!(logged(&file), "0 DC downstream_remote_disconnect\n", "reset: {reset}");
    }
}

#[test]
fn who_stays_is_told_when_the_time_is_over() {
    for (limit, text, line) in [
        ("stream_idle_timeout", "stream timeout", "408 SI stream_idle_timeout\n"),
        ("request_timeout", "request timeout", "408 - request_overall_timeout\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let server = proxy(&file, &json!({ limit: "1s" }));
        let mut client = connect(server.address("main").unwrap());
        let mut writer = client.try_clone().unwrap();
        let writing = std::thread::spawn(move || {
            let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
            writer.write_all(head.as_bytes()).unwrap();
            while writer.write_all(&vec![b'x'; 64 << 10]).is_ok() {}
        });
        let mut answer = vec![0; 4096];
        let read = client.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n") && answer.ends_with(text), "{limit}: {answer}");
        client.shutdown(std::net::Shutdown::Both).unwrap();
        writing.join().unwrap();
        emptied(&server, "main");
        eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_cx_active") == 0);
        server.shutdown();
        assert_eq!(logged(&file), line);
    }
}

/// Sends on a stream as long as there is a window; gives the status, if one comes.
async fn pour(to: SocketAddr, end: End) -> Option<u16> {
    let stream = tokio::net::TcpStream::connect(to).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::post("http://a/").body(()).unwrap();
    let (mut answer, mut body) = sender.send_request(request, false).unwrap();
    let pouring = async {
        loop {
            body.reserve_capacity(16 << 10);
            let Some(Ok(room)) = std::future::poll_fn(|cx| body.poll_capacity(cx)).await else { break };
            body.send_data(Bytes::from(vec![b'x'; room]), false).unwrap();
        }
    };
    match end {
        End::Stay => {
            let (answer, ()) = tokio::join!(&mut answer, pouring);
            return Some(answer.unwrap().status().as_u16());
        }
        End::Leave | End::Reset => {
            let _ = tokio::time::timeout(Duration::from_millis(1500), pouring).await;
        }
    }
    if end == End::Reset {
        body.send_reset(h2::Reason::CANCEL);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    driver.abort();
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stay,
    Leave,
    Reset,
}

#[test]
fn over_http2_it_is_the_same() {
    for (end, fields, status, line) in [
        (End::Leave, json!({}), None, "0 DC downstream_remote_disconnect\n"),
        (End::Reset, json!({}), None, "0 DR http2.remote_reset\n"),
        (End::Stay, json!({ "stream_idle_timeout": "1s" }), Some(408), "408 SI stream_idle_timeout\n"),
        (End::Stay, json!({ "request_timeout": "1s" }), Some(408), "408 - request_overall_timeout\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let server = proxy(&file, &fields);
        let to = server.address("main").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(
            runtime.block_on(async { tokio::time::timeout(PATIENCE, pour(to, end)).await }).expect("it ends"),
            status,
            "{end:?} {fields}"
        );
        drop(runtime);
        emptied(&server, "main");
        eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_cx_active") == 0);
        server.shutdown();
        assert_eq!(logged(&file), line, "{end:?} {fields}");
    }
}

//! Peers that send drop by drop, and such that stop: each of Envoy's limits of time ends what it is for, and nothing else.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use embedded_proxy::server::Server;
use serde_json::{Value, json};

use super::config::{bootstrap, hcm, listener, log, tcp};
use super::support::*;

/// Sends byte after byte until that fails.
fn drip(to: &TcpStream, bytes: &[u8], every: Duration) -> std::thread::JoinHandle<usize> {
    let (mut to, bytes) = (to.try_clone().unwrap(), bytes.to_vec());
    std::thread::spawn(move || {
        let sent = bytes.iter().take_while(|byte| {
            std::thread::sleep(every);
            to.write_all(&[**byte]).is_ok()
        });
        sent.count()
    })
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn proxy(origin: SocketAddr, route: &Value, fields: &Value, file: &Path) -> Server {
    let mut all = log(file);
    for (name, value) in fields.as_object().unwrap() {
        all[name.as_str()] = value.clone();
    }
    start(&bootstrap(&[listener("main", &hcm(route, &all))], origin))
}

#[test]
fn a_client_that_drips_is_given_its_time_and_no_more() {
    let head = "GET / HTTP/1.1\r\nhost: a\r\nx: ".to_string() + &"y".repeat(1000);
    let body = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n".to_string();
    for (limit, whole, dripping, line) in [
        ("request_headers_timeout", "", &*head, "408 DPE request_header_timeout"),
        ("request_timeout", &*body, "z", "408 - request_overall_timeout"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let server = proxy(origin(friendly_to_bodies), &json!({}), &json!({ limit: "0.5s" }), &file);
        let mut client = connect(server.address("main").unwrap());
        client.write_all(whole.as_bytes()).unwrap();
        let began = Instant::now();
        let dripping = drip(&client, dripping.repeat(200).as_bytes(), millis(20));
        let mut answer = [0; 12];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408", "{limit}");
        let took = began.elapsed();
        assert!(took >= millis(450) && took < millis(4000), "{limit}: {took:?}");
        let _ = client.shutdown(Shutdown::Both);
        dripping.join().unwrap();
        emptied(&server, "main");
        server.shutdown();
        let logged = std::fs::read_to_string(&file).unwrap();
        assert_eq!(logged.split_once(' ').unwrap().0, "408", "{limit}: {logged}");
        assert_eq!(logged.rsplit(' ').next(), line.rsplit(' ').next().map(|last| format!("{last}\n")).as_deref());
    }
}

/// Waits for all of a request before it answers.
fn friendly_to_bodies(mut connection: TcpStream) {
    let head = head(&mut connection);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if connection.read_exact(&mut body).is_ok() {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
}

/// Answers with ten bytes, one each 100 ms, after a wait that the path says.
fn dripping(mut connection: TcpStream) {
    while !head(&mut connection).is_empty() {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
        for _ in 0..10 {
            std::thread::sleep(millis(100));
            if connection.write_all(b"x").is_err() {
                return;
            }
        }
    }
}

#[test]
fn an_origin_that_drips_is_not_idle_but_may_be_too_slow() {
    for (route, fields, whole, line) in [
        (json!({ "timeout": "0s" }), json!({ "stream_idle_timeout": "0.6s" }), true, "200 - via_upstream\n"),
        (json!({ "timeout": "0.5s" }), json!({}), false, "200 UT response_timeout\n"),
        (
            json!({ "timeout": "0s" }),
            json!({ "common_http_protocol_options": { "max_stream_duration": "0.5s" } }),
            false,
            "200 - max_duration_timeout\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let server = proxy(origin(dripping), &route, &fields, &file);
        let to = server.address("main").unwrap();
        let answer = ask(to, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        assert_eq!(answer.ends_with("xxxxxxxxxx"), whole, "{route} {fields}: {answer}");
        emptied(&server, "main");
        eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_rq_active") == 0);
        server.shutdown();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), line, "{route} {fields}");
    }
}

#[test]
fn half_a_tcp_connection_goes_on_and_a_silent_one_ends() {
    let origin = origin(|mut connection| {
        let mut question = String::new();
        connection.read_to_string(&mut question).unwrap();
        std::thread::sleep(millis(200));
        connection.write_all(question.to_uppercase().as_bytes()).unwrap();
        if question == "stay" {
            rest(&mut connection);
            std::thread::sleep(PATIENCE);
        }
    });
    let server = start(&bootstrap(&[listener("main", &tcp(&json!({ "idle_timeout": "1s" })))], origin));
    let to = server.address("main").unwrap();
    let mut client = connect(to);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut client), "QUESTION", "the answer comes after the client has ended its side");
    let mut client = connect(to);
    client.write_all(b"stay").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let began = Instant::now();
    assert_eq!(rest(&mut client), "STAY");
    assert!(began.elapsed() < Duration::from_secs(6), "an origin that keeps its side open does not keep ours");
    eventually("nobody is connected", || stat(&server, "listener.main.downstream_cx_active") == 0);
    eventually("the origin is let go", || stat(&server, "cluster.origin.upstream_cx_active") == 0);
    server.shutdown();
}

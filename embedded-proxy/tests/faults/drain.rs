//! The end of a proxy while requests are in flight.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::config::{bootstrap, hcm, listener};
use super::support::*;

#[test]
fn requests_in_flight_finish_and_then_the_proxy_ends() {
    let slow = origin(|mut connection: TcpStream| {
        head(&mut connection);
        std::thread::sleep(Duration::from_millis(600));
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let server = start(&bootstrap(&[listener("main", &hcm(&json!({}), &json!({})))], slow));
    let to = server.address("main").unwrap();
    let askers: Vec<_> =
        (0..10).map(|_| std::thread::spawn(move || ask(to, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"))).collect();
    eventually("all are in flight", || stat(&server, "http.test.downstream_rq_active") == 10);
    let began = Instant::now();
    server.drain();
    server.wait();
    assert!(began.elapsed() < Duration::from_secs(4), "the end does not wait for the deadline");
    for asker in askers {
        let answer = asker.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"), "{answer:?}");
        assert!(answer.contains("connection: close\r\n"), "{answer:?}");
    }
    assert!(TcpStream::connect(to).is_err(), "nobody listens any more");
}

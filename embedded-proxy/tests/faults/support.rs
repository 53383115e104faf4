//! Proxies, clients and origins of these tests.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};
use embedded_proxy::telemetry::stats::Sample;
use serde_json::Value;

/// Longest wait for anything that happens soon.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A request that is answered.
pub const GOOD: &[u8] = b"GET /good HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// A proxy that is initialised.
pub fn start(bootstrap: &Value) -> Server {
    let options = Options { termination_drain: Duration::from_secs(8), ..Options::default() };
    let server = Bootstrap::from_json(bootstrap).and_then(|bootstrap| Server::start(bootstrap, &options));
    let server = server.unwrap_or_else(|defects| panic!("the bootstrap is refused: {defects:?}"));
    server.initialised();
    server
}

/// An origin: `serve` gets each connection, on a thread of its own.
pub fn origin(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(connection));
        }
    });
    address
}

/// Answers each head with 200 and keeps the connection; bodies are not looked at.
pub fn friendly(mut connection: TcpStream) {
    while !head(&mut connection).is_empty() {
        if connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// Reads up to the end of a head; empty when the connection ended before.
pub fn head(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte) {
            Ok(1) => read.push(byte[0]),
            _ => return String::new(),
        }
    }
    String::from_utf8(read).unwrap()
}

/// A connection to the proxy that waits for nothing for ever.
pub fn connect(to: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(to).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.set_write_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// Sends bytes and reads until the connection ends, well or not.
pub fn ask(to: SocketAddr, request: &[u8]) -> String {
    let mut connection = connect(to);
    let _ = connection.write_all(request);
    rest(&mut connection)
}

/// All that still comes.
pub fn rest(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let _ = connection.read_to_end(&mut read);
    String::from_utf8_lossy(&read).into_owned()
}

/// Asserts that a plain listener serves.
pub fn serves(to: SocketAddr) {
    let answer = ask(to, GOOD);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "a good request is answered with {answer:?}");
}

/// The value of a gauge or counter; 0 when there is none.
pub fn stat(server: &Server, name: &str) -> i64 {
    let all = server.services().stats.all();
    match all.iter().find(|seen| &*seen.name == name).map(|seen| &seen.sample) {
        Some(Sample::Gauge(gauge)) => gauge.value(),
        Some(Sample::Counter(counter)) => i64::try_from(counter.value()).unwrap(),
        _ => 0,
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "does not happen: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until no client is connected to a listener, and nothing is in flight.
pub fn emptied(server: &Server, listener: &str) {
    for name in [
        &*format!("listener.{listener}.downstream_cx_active"),
        "http.test.downstream_cx_active",
        "http.test.downstream_rq_active",
    ] {
        eventually(&format!("{name} is 0"), || stat(server, name) == 0);
    }
}

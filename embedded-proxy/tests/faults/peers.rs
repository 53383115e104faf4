//! Origins that break off or never answer.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use embedded_proxy::server::Server;
use serde_json::json;
use socket2::SockRef;

use super::config::{bootstrap, hcm, listener, log};
use super::support::*;

/// What this origin does depends on the path.
fn unreliable(mut connection: TcpStream) {
    loop {
        let head = head(&mut connection);
        let answer: &[u8] = match head.split(' ').nth(1) {
            Some("/reset") => return reset(&connection),
            None | Some("/close") => return,
            Some("/silent") => {
                // Until the proxy gives up.
                rest(&mut connection);
                return;
            }
            Some("/cut") => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
            Some("/cut-chunk") => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            Some("/nonsense") => b"\x16\x03\x01\x00\x05nonsense\r\n\r\n",
            Some(_) => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        };
        connection.write_all(answer).unwrap();
        if head.contains("/cut") {
            // What was sent arrives before the reset throws it away.
            std::thread::sleep(Duration::from_millis(50));
            return reset(&connection);
        }
    }
}

/// Ends the connection with RST.
fn reset(connection: &TcpStream) {
    SockRef::from(connection).set_linger(Some(Duration::ZERO)).unwrap();
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").into_bytes()
}

fn proxy(log_file: &Path) -> Server {
    let hcm = hcm(&json!({ "timeout": "0.4s" }), &log(log_file));
    start(&bootstrap(&[listener("main", &hcm)], origin(unreliable)))
}

#[test]
fn origins_that_break_off_are_told_and_hurt_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let server = proxy(&file);
    let to = server.address("main").unwrap();
    let cases = [
        ("/reset", "503", "503 UC upstream_reset_before_response_started{connection_termination}"),
        ("/close", "503", "503 UC upstream_reset_before_response_started{connection_termination}"),
        ("/nonsense", "502", "502 UPE upstream_reset_before_response_started{protocol_error}"),
        ("/cut", "200", "200 UC upstream_reset_after_response_started"),
        ("/cut-chunk", "200", "200 UC upstream_reset_after_response_started"),
    ];
    for (path, status, _) in cases {
        let answer = ask(to, &get(path));
        assert_eq!(answer.split(' ').nth(1), Some(status), "{path}: {answer:?}");
        if status == "200" {
            assert!(answer.contains("half"), "{path}: {answer:?}");
            assert!(
                !answer.ends_with("0\r\n\r\n"),
                "{path}: a response that broke off must not look whole: {answer:?}"
            );
        }
        serves(to);
    }
    emptied(&server, "main");
    eventually("no origin is connected but idle", || stat(&server, "cluster.origin.upstream_rq_active") == 0);
    server.shutdown();
    let lines = std::fs::read_to_string(&file).unwrap();
    let broken: Vec<&str> = lines.lines().filter(|line| *line != "200 - via_upstream").collect();
    assert_eq!(broken.len(), cases.len(), "{lines}");
    for (line, (path, _, wanted)) in broken.iter().zip(cases) {
        assert!(line.starts_with(wanted), "{path}: {line}");
    }
}

#[test]
fn an_origin_that_never_answers_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let server = proxy(&file);
    let to = server.address("main").unwrap();
    let began = Instant::now();
    let askers: Vec<_> = (0..20).map(|_| std::thread::spawn(move || ask(to, &get("/silent")))).collect();
    for asker in askers {
        let answer = asker.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer:?}");
    }
    assert!(began.elapsed() >= Duration::from_millis(400));
    serves(to);
    emptied(&server, "main");
    // The connections with a request that was given up are not used again.
    eventually("one connection is left", || stat(&server, "cluster.origin.upstream_cx_active") <= 1);
    server.shutdown();
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().filter(|line| *line == "504 UT response_timeout").count(), 20, "{lines}");
}

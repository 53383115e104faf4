//! HBONE from end to end: two proxies with the resources that istiod gives them, mutual TLS and HTTP/2 CONNECT between.
//!
//! The client's proxy leads a connection to its listener `connect_originate`, which asks the other proxy for a tunnel;
//! that one ends it in `connect_terminate` and hands the bytes to `main_internal`, where the client's identity decides.
//! Each proxy is also replaced by Envoy once, where there is one.

mod pki;
mod resources;
mod sides;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use pki::Pki;
use resources::{client, server};
use sides::Side;

/// A port that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An origin that gives back in capitals what it got, once that is all.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut got = Vec::new();
                if stream.read_to_end(&mut got).is_ok() {
                    let _ = stream.write_all(&got.to_ascii_uppercase());
                }
            });
        }
    });
    address
}

/// What comes back for these bytes; nothing when the connection is ended.
fn ask(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let reads = std::thread::spawn(move || {
        let mut got = Vec::new();
        let _ = reader.read_to_end(&mut got);
        got
    });
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    reads.join().unwrap()
}

/// Which proxies are Envoy.
fn through(client_is_envoy: bool, server_is_envoy: bool) {
    let (out, terminate, origin) = (free(), free(), origin());
    let pki = Pki::new();
    let Some(_server) = Side::start(server_is_envoy, &server(&pki, terminate), terminate) else { return };
    let Some(_client) = Side::start(client_is_envoy, &client(&pki, "friend", out, terminate, origin), out) else {
        return;
    };
    assert_eq!(ask(out, b"hello"), b"HELLO");
    let large = vec![b'x'; 3_000_000];
    assert!(ask(out, &large) == large.to_ascii_uppercase(), "both directions end on their own");
    let askers: Vec<_> = (0..20).map(|_| std::thread::spawn(move || ask(out, b"many"))).collect();
    assert!(askers.into_iter().all(|asker| asker.join().unwrap() == b"MANY"));
}

#[test]
fn two_proxies_of_ours() {
    through(false, false);
}

#[test]
fn ours_asks_envoy() {
    through(false, true);
}

#[test]
fn envoy_asks_ours() {
    through(true, false);
}

#[test]
fn the_identity_of_the_client_decides() {
    let (out, terminate, origin) = (free(), free(), origin());
    let pki = Pki::new();
    let _server = Side::start(false, &server(&pki, terminate), terminate).unwrap();
    let _client = Side::start(false, &client(&pki, "stranger", out, terminate, origin), out).unwrap();
    assert_eq!(ask(out, b"hello"), b"", "only the friend may");
    let other = Pki::new();
    let forged = free();
    let _forger = Side::start(false, &client(&other, "friend", forged, terminate, origin), forged).unwrap();
    assert_eq!(ask(forged, b"hello"), b"", "certificates of others are no certificates");
}

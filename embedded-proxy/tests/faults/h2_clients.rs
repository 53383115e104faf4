//! HTTP/2 clients that attack: each is sent away, what they can make the proxy hold is bounded, others are served.

use std::io::Write as _;
use std::time::{Duration, Instant};

use embedded_proxy::server::Server;
use serde_json::json;

use super::config::{bootstrap, hcm, listener};
use super::frames::*;
use super::support::*;

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const ENHANCE_YOUR_CALM: u32 = 11;

fn proxy() -> Server {
    start(&bootstrap(&[listener("main", &hcm(&json!({}), &json!({ "codec_type": "AUTO" })))], origin(friendly)))
}

/// The attack is over: others are served, and nothing is left of it.
fn unharmed(server: Server) {
    serves(server.address("main").unwrap());
    emptied(&server, "main");
    server.shutdown();
}

/// Sends the same bytes until the proxy takes no more or goes away; gives how many went.
fn flood(peer: &mut Peer, bytes: &[u8], most: usize) -> usize {
    peer.stream().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut sent = 0;
    while sent < most && peer.write(bytes).is_ok() {
        sent += bytes.len();
    }
    sent
}

#[test]
fn rapid_resets_are_sent_away() {
    let server = proxy();
    let mut peer = Peer::client(server.address("main").unwrap());
    for number in 0..50_000 {
        let stream = number * 2 + 1;
        let mut bytes = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        if peer.write(&bytes).is_err() {
            break;
        }
    }
    let codes = peer.end();
    assert!(codes.is_empty() || codes.contains(&ENHANCE_YOUR_CALM), "{codes:?}");
    assert!(stat(&server, "http.test.downstream_rq_total") < 45_000);
    unharmed(server);
}

#[test]
fn a_head_without_end_is_refused() {
    let server = proxy();
    let mut peer = Peer::client(server.address("main").unwrap());
    peer.send(HEADERS, 0, 1, GET).unwrap();
    // A literal field without indexing, over and over.
    let field = [b"\0\x01x\x7f\x81\x01".to_vec(), vec![b'y'; 256]].concat();
    let sent = flood(&mut peer, &frame(CONTINUATION, 0, 1, &field.repeat(60)), 64 << 20);
    assert!(sent < 32 << 20, "{sent} bytes of a head were taken");
    peer.end();
    unharmed(server);
}

#[test]
fn empty_continuations_are_refused() {
    let server = proxy();
    let mut peer = Peer::client(server.address("main").unwrap());
    peer.send(HEADERS, 0, 1, GET).unwrap();
    let sent = flood(&mut peer, &frame(CONTINUATION, 0, 1, &[]).repeat(1000), 64 << 20);
    assert!(sent < 32 << 20, "{sent} bytes of nothing were taken");
    peer.end();
    unharmed(server);
}

#[test]
fn who_wants_answers_and_does_not_read_them_is_not_heard_any_more() {
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]);
    for question in [frame(PING, 0, 0, b"abcdefgh"), settings] {
        let server = proxy();
        let mut peer = Peer::client(server.address("main").unwrap());
        let sent = flood(&mut peer, &question.repeat(1000), 128 << 20);
        assert!(sent < 64 << 20, "{sent} bytes were taken whose answers nobody reads");
        drop(peer);
        unharmed(server);
    }
}

#[test]
fn windows_that_nobody_may_have_end_stream_or_connection() {
    for (stream, increment, goaway) in
        [(0, 0_u32, Some(PROTOCOL_ERROR)), (0, 0x7fff_ffff, Some(FLOW_CONTROL_ERROR)), (1, 0x7fff_ffff, None)]
    {
        let server = proxy();
        let mut peer = Peer::client(server.address("main").unwrap());
        // In one piece: the stream must not be answered and over before the second frame comes.
        let window = frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes());
        peer.write(&[frame(HEADERS, END_HEADERS, 1, GET), window].concat()).unwrap();
        match goaway {
            Some(code) => assert!(peer.end().contains(&code), "stream {stream}, {increment}"),
            None => assert_eq!(peer.until(RST_STREAM).unwrap().code(), FLOW_CONTROL_ERROR),
        }
        drop(peer);
        unharmed(server);
    }
}

#[test]
fn many_small_window_updates_cost_nothing_that_stays() {
    let server = proxy();
    let mut peer = Peer::client(server.address("main").unwrap());
    peer.send(HEADERS, END_HEADERS, 1, GET).unwrap();
    let began = Instant::now();
    flood(&mut peer, &frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()).repeat(1000), 4 << 20);
    serves(server.address("main").unwrap());
    assert!(began.elapsed() < PATIENCE);
    let _ = peer.stream().flush();
    drop(peer);
    unharmed(server);
}

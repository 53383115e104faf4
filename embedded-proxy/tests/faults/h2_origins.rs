//! HTTP/2 origins that end connections or change their limits while requests are on their way.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use embedded_proxy::server::Server;
use serde_json::{Value, json};

use super::config::{bootstrap_http2, hcm, listener};
use super::frames::*;
use super::support::*;

const MAX_CONCURRENT_STREAMS: u16 = 3;
const REFUSED_STREAM: u32 = 7;

fn proxy(origin: SocketAddr, route: &Value) -> Server {
    start(&bootstrap_http2(&[listener("main", &hcm(route, &json!({})))], origin))
}

fn answer(peer: &mut Peer, stream: u32) {
    let _ = peer.send(HEADERS, END_HEADERS, stream, OK);
    let _ = peer.send(DATA, END_STREAM, stream, b"ok");
}

/// Answers all that comes.
fn serve(mut peer: Peer) {
    while let Some(frame) = peer.until(HEADERS) {
        answer(&mut peer, frame.stream);
    }
}

/// Gives each connection with its number, which begins at 0.
fn numbered(serve: impl Fn(usize, TcpStream) + Clone + Send + Sync + 'static) -> SocketAddr {
    let count = Arc::new(AtomicUsize::new(0));
    origin(move |stream| serve(count.fetch_add(1, Ordering::SeqCst), stream))
}

fn together(to: SocketAddr, count: usize) -> Vec<String> {
    let askers: Vec<_> = (0..count).map(|_| std::thread::spawn(move || ask(to, GOOD))).collect();
    let mut answers: Vec<String> = askers.into_iter().map(|asker| asker.join().unwrap()).collect();
    answers.sort_by_key(|answer| answer[9..12].to_string());
    answers.iter().map(|answer| answer[9..12].to_string()).collect()
}

/// Takes three requests, says that only the first is served, and serves it later.
fn goes_away(number: usize, stream: TcpStream) {
    let Ok(mut peer) = Peer::server(stream, &[]) else { return };
    if number > 0 {
        return serve(peer);
    }
    let streams: Vec<u32> = (0..3).map_while(|_| Some(peer.until(HEADERS)?.stream)).collect();
    let Some(first) = streams.first() else { return };
    let _ = peer.send(GOAWAY, 0, 0, &[&first.to_be_bytes()[..], &0_u32.to_be_bytes()].concat());
    std::thread::sleep(Duration::from_millis(200));
    answer(&mut peer, *first);
    rest(&mut peer.stream().try_clone().unwrap());
}

#[test]
fn streams_above_the_last_of_a_goaway_go_elsewhere_when_the_route_lets_them() {
    let retry = json!({ "retry_policy": { "retry_on": "refused-stream", "num_retries": 2 } });
    for (route, expected) in [(retry, ["200", "200", "200"]), (json!({}), ["200", "503", "503"])] {
        let server = proxy(numbered(goes_away), &route);
        assert_eq!(together(server.address("main").unwrap(), 3), expected, "{route}");
        serves(server.address("main").unwrap());
        emptied(&server, "main");
        server.shutdown();
    }
}

#[test]
fn an_idle_connection_that_ends_costs_no_request() {
    for goaway in [true, false] {
        let server = proxy(
            origin(move |stream| {
                let Ok(mut peer) = Peer::server(stream, &[]) else { return };
                let Some(frame) = peer.until(HEADERS) else { return };
                answer(&mut peer, frame.stream);
                // The end, once the answer is through.
                std::thread::sleep(Duration::from_millis(20));
                if goaway {
                    let _ = peer.send(GOAWAY, 0, 0, &[&frame.stream.to_be_bytes()[..], &[0; 4]].concat());
                }
                let _ = peer.stream().shutdown(std::net::Shutdown::Write);
                peer.end();
            }),
            &json!({}),
        );
        for _ in 0..15 {
            serves(server.address("main").unwrap());
            eventually("the end is seen", || stat(&server, "cluster.origin.upstream_cx_active") == 0);
        }
        assert_eq!(stat(&server, "cluster.origin.upstream_cx_total"), 15);
        server.shutdown();
    }
}

#[test]
fn a_limit_of_streams_that_sinks_is_kept() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = most.clone();
    let server = proxy(
        origin(move |stream| {
            let Ok(mut peer) = Peer::server(stream, &[(MAX_CONCURRENT_STREAMS, 10)]) else { return };
            let (mut acknowledged, mut early) = (0, Vec::new());
            while acknowledged < 2 {
                match peer.next() {
                    Some(frame) if frame.kind == SETTINGS && frame.flags & ACK != 0 => acknowledged += 1,
                    Some(frame) if frame.kind == HEADERS => {
                        if early.is_empty() {
                            let _ = peer.settings(&[(MAX_CONCURRENT_STREAMS, 1)]);
                        }
                        early.push(frame.stream);
                    }
                    Some(_) => {}
                    None => return,
                }
            }
            early.drain(..).for_each(|stream| answer(&mut peer, stream));
            // From here on one at a time: another one that comes meanwhile is one too many.
            peer.stream().set_read_timeout(Some(Duration::from_millis(40))).unwrap();
            let mut open = Vec::new();
            for _ in 0..200 {
                match peer.until(HEADERS) {
                    Some(frame) => open.push(frame.stream),
                    None => open.drain(..).for_each(|stream| answer(&mut peer, stream)),
                }
                seen.fetch_max(open.len(), Ordering::SeqCst);
            }
        }),
        &json!({}),
    );
    let to = server.address("main").unwrap();
    assert_eq!(together(to, 1), ["200"]);
    assert_eq!(together(to, 8), ["200"; 8]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    emptied(&server, "main");
    server.shutdown();
}

#[test]
fn an_origin_that_resets_all_streams_hurts_only_them() {
    let server = proxy(
        numbered(|number, stream| {
            let Ok(mut peer) = Peer::server(stream, &[]) else { return };
            if number > 0 {
                return serve(peer);
            }
            for _ in 0..20 {
                let Some(frame) = peer.until(HEADERS) else { return };
                let _ = peer.send(RST_STREAM, 0, frame.stream, &REFUSED_STREAM.to_be_bytes());
            }
            serve(peer);
        }),
        &json!({}),
    );
    let to = server.address("main").unwrap();
    for _ in 0..20 {
        assert_eq!(together(to, 1), ["503"]);
    }
    assert_eq!(together(to, 5), ["200"; 5]);
    assert_eq!(stat(&server, "cluster.origin.upstream_cx_total"), 1, "the connection stays in use");
    emptied(&server, "main");
    server.shutdown();
}

//! Bytes that nobody means: whatever comes, good requests are served afterwards and no connection is kept.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::config::{bootstrap, hcm, listener};
use super::support::*;

const SEEDS: [&[u8]; 4] = [
    GOOD,
    b"POST /p?q=1#f HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\nbodyGET / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"PUT http://a:80/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nt: v\r\n\r\n",
    // Preface, SETTINGS, HEADERS (GET http / with :authority a), PING.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a\0\0\x08\x06\0\0\0\0\0abcdefgh",
];

/// Changes, removes or repeats some bytes.
pub fn mutate(seed: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(0..bytes.len());
        match random.u8(0..5) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(0..8),
            2 if bytes.len() > 1 => drop(bytes.remove(at)),
            3 => bytes.insert(at, *random.choice(b"\r\n\0 :;\x80\xff").unwrap()),
            _ => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
        }
    }
    bytes
}

/// Sends bytes and the end; waits shortly for the answer.
fn throw(to: SocketAddr, bytes: &[u8]) {
    let mut connection = connect(to);
    connection.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let _ = connection.write_all(bytes);
    let _ = connection.shutdown(Shutdown::Write);
    rest(&mut connection);
}

#[test]
fn nonsense_leaves_nothing_behind() {
    let hcm = hcm(&json!({ "timeout": "1s" }), &json!({}));
    let server = start(&bootstrap(&[listener("main", &hcm)], origin(friendly)));
    let to = server.address("main").unwrap();
    let throwers = (0..4).map(|number| {
        std::thread::spawn(move || {
            let mut random = Rng::with_seed(number);
            for _ in 0..700 {
                let seed = random.choice(SEEDS).unwrap();
                throw(to, &mutate(seed, &mut random));
            }
        })
    });
    for thrower in throwers.collect::<Vec<_>>() {
        thrower.join().unwrap();
    }
    serves(to);
    emptied(&server, "main");
    assert!(stat(&server, "listener.main.downstream_cx_total") >= 2800);
    server.shutdown();
}

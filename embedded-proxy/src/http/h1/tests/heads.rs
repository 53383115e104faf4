//! Request heads: what is accepted, and what is refused with which words. The table was made by sending each to Envoy 1.40;
//! where Envoy is more lenient the row says so.

use bytes::BytesMut;

use super::super::decode::Framing;
use super::super::fields::{Limits, Refusal};
use super::super::request_head::{self, Parsed, may_end};
use crate::hcm::Http1Options;

pub(super) const LIMITS: Limits = Limits { bytes: 60 * 1024, fields: 100, trailers: false };

pub(super) fn options() -> Http1Options {
    Http1Options::default()
}

fn parse(text: &[u8]) -> Result<Option<Parsed>, Refusal> {
    let mut input = BytesMut::from(text);
    request_head::skip_empty_lines(&mut input);
    request_head::parse(&mut input, &mut Vec::new(), LIMITS, &options(), "http")
}

/// Status and details of the refusal, `200` and the framing when accepted.
fn verdict(text: &[u8]) -> String {
    match parse(text) {
        Ok(None) => "incomplete".into(),
        Ok(Some(parsed)) => format!("200 {:?}", parsed.framing),
        Err(Refusal::Bad(details)) => format!("400 {details}"),
        Err(Refusal::OldVersion) => "426".into(),
        Err(Refusal::TooLarge(details)) => format!("431 {details}"),
        Err(Refusal::NotImplemented(details)) => format!("501 {details}"),
    }
}

fn get(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

fn post(fields: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[test]
fn first_lines() {
    for (line, expected) in [
        ("GET / HTTP/1.1", "200 Empty"),
        ("GET  /  HTTP/1.1", "200 Empty"),
        ("\r\n\n GET / HTTP/1.1", "400 http1.codec_error"),
        ("\r\nGET / HTTP/1.1", "200 Empty"),
        ("MSEARCH / HTTP/1.1", "200 Empty"),
        ("OPTIONS * HTTP/1.1", "200 Empty"),
        ("GET * HTTP/1.1", "400 http1.invalid_url"),
        ("GET foo HTTP/1.1", "400 http1.codec_error"),
        ("GET /a b HTTP/1.1", "400 http1.codec_error"),
        ("GET /a\tb HTTP/1.1", "400 http1.codec_error"),
        ("GET /\u{80} HTTP/1.1", "400 http1.codec_error"),
        ("FOO / HTTP/1.1", "400 http1.codec_error"),
        ("get / HTTP/1.1", "400 http1.codec_error"),
        ("G@T / HTTP/1.1", "400 http1.codec_error"),
        ("GET ftp://b/x HTTP/1.1", "400 http1.invalid_scheme"),
        ("GET http:///x HTTP/1.1", "400 http1.invalid_url"),
        ("CONNECT b:80 HTTP/1.1", "200 Raw"),
        ("CONNECT b HTTP/1.1", "400 http1.invalid_url"),
        ("GET / HTTP/1.0", "426"),
        ("GET / HTTP/0.9", "426"),
        ("GET / HTTP/1.2", "426"),
        ("GET / HTTP/2.0", "426"),
        ("GET /", "426"),
        ("GET / HTTP/1", "400 http1.codec_error"),
        ("GET / HTTP/1.1x", "400 http1.codec_error"),
        ("GET / http/1.1", "400 http1.codec_error"),
        ("GET / HTP/1.1", "400 http1.codec_error"),
        ("PRI * HTTP/2.0", "400 http1.codec_error"),
        // Envoy takes blanks behind the version and tabs between the words.
        ("GET / HTTP/1.1 ", "400 http1.codec_error"),
        ("GET\t/\tHTTP/1.1", "400 http1.codec_error"),
    ] {
        let text = format!("{line}\r\nHost: a\r\n\r\n");
        assert_eq!(verdict(text.as_bytes()), expected, "{line:?}");
    }
}

#[test]
fn fields_that_are_no_fields() {
    for (fields, expected) in [
        ("x: 1\r\n", "200 Empty"),
        ("x:\r\n", "200 Empty"),
        ("x_y: 1\r\n", "200 Empty"),
        ("x: 1\u{e9}2\r\n", "200 Empty"),
        ("x : 1\r\n", "400 http1.codec_error"),
        (": v\r\n", "400 http1.codec_error"),
        ("nocolon\r\n", "400 http1.codec_error"),
        ("x(y): 1\r\n", "400 http1.codec_error"),
        ("x\0: 1\r\n", "400 http1.codec_error"),
        ("x: 1\x002\r\n", "400 http1.invalid_characters"),
        ("x: 1\x012\r\n", "400 http1.invalid_characters"),
        ("x: 1\x7f2\r\n", "400 http1.invalid_characters"),
        // Envoy drops a bare CR and unfolds lines: a server behind might see two fields.
        ("x: 1\r2\r\n", "400 http1.invalid_characters"),
        ("x: 1\r\n y: 2\r\n", "400 http1.codec_error"),
        (" x: 1\r\n", "400 http1.codec_error"),
    ] {
        assert_eq!(verdict(&get(fields)), expected, "{fields:?}");
    }
    assert_eq!(verdict(b"GET / HTTP/1.1\nHost: a\n\n"), "200 Empty", "line feeds alone end lines, as in Envoy");
    assert_eq!(verdict(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"), "400 http1.codec_error");
    assert_eq!(verdict(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "400 http.invalid_authority");
}

#[test]
fn two_lengths_are_never_accepted() {
    for (fields, expected) in [
        ("Content-Length: 3\r\n", "200 Length(3)"),
        ("Content-Length: 003\r\n", "200 Length(3)"),
        ("Content-Length: 0\r\n", "200 Empty"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "400 http1.codec_error"),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "400 http1.codec_error"),
        ("Content-Length: 3, 3\r\n", "400 http1.codec_error"),
        ("Content-Length: +3\r\n", "400 http1.codec_error"),
        ("Content-Length: -3\r\n", "400 http1.codec_error"),
        ("Content-Length: 0x3\r\n", "400 http1.codec_error"),
        ("Content-Length: \r\n", "400 http1.codec_error"),
        ("Content-Length: 99999999999999999999999\r\n", "400 http1.codec_error"),
        ("Transfer-Encoding: chunked\r\n", "200 Chunked"),
        ("Transfer-Encoding: Chunked\r\n", "200 Chunked"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "400 http1.content_length_and_chunked_not_allowed"),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "400 http1.content_length_and_chunked_not_allowed"),
        ("Transfer-Encoding: gzip, chunked\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding: chunked, chunked\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding: identity\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding: xchunked\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding:\r\n", "501 http1.invalid_transfer_encoding"),
        ("Transfer-Encoding: \x0bchunked\r\n", "400 http1.invalid_characters"),
        ("Transfer-Encoding : chunked\r\n", "400 http1.codec_error"),
    ] {
        assert_eq!(verdict(&post(fields)), expected, "{fields:?}");
    }
    assert_eq!(verdict(b"CONNECT b:80 HTTP/1.1\r\nContent-Length: 2\r\n\r\n"), "400 http1.body_disallowed");
    assert_eq!(
        verdict(b"CONNECT b:80 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "501 http1.invalid_transfer_encoding"
    );
}

#[test]
fn fields_of_one_hop_end_here() {
    let parsed = |fields: &str| {
        let parsed = parse(&get(fields)).unwrap().unwrap();
        let text: Vec<String> =
            parsed.head.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        (text.join(" "), parsed.head.upgrade, parsed.keep_alive)
    };
    let goes = |text: &str, upgrade: Option<&str>, keep| (text.to_string(), upgrade.map(str::to_string), keep);
    assert_eq!(parsed("Connection: keep-alive\r\nKeep-Alive: 5\r\n"), goes("", None, true));
    assert_eq!(parsed("Connection: x-foo, close\r\nX-Foo: 1\r\nx-bar: 2\r\n"), goes("x-bar=2", None, false));
    assert_eq!(parsed("TE: gzip, trailers\r\nTE: trailers\r\n"), goes("te=trailers", None, true));
    assert_eq!(parsed("Connection: te\r\nTE: gzip\r\n"), goes("", None, true));
    assert_eq!(parsed("Proxy-Connection: keep-alive\r\nUpgrade: foo\r\n"), goes("", None, true));
    assert_eq!(parsed("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"), goes("", Some("WebSocket"), false));
    assert_eq!(
        parsed("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"),
        goes("", None, true)
    );
    assert_eq!(parsed("Expect: 100-Continue\r\n"), goes("", None, true));
    assert_eq!(parsed("Expect: 200-ok\r\n"), goes("expect=200-ok", None, true));
    for fields in ["Connection: :path\r\n", "Connection: x-forwarded-for\r\n", "Connection: a,b,c,d,e,f,g,h,i,j\r\n"] {
        assert_eq!(verdict(&get(fields)), "400 http1.connection_header_rejected", "{fields:?}");
    }
    let host = parse(&get("Connection: host\r\n")).unwrap().unwrap();
    assert_eq!(host.head.authority, "", "a nominated host is removed like any other");
    let two = parse(&get("Host: b\r\n")).unwrap().unwrap();
    assert_eq!(two.head.authority, "a,b");
}

#[test]
fn limits_of_a_head() {
    let many = |count: usize| get(&"x: 1\r\n".repeat(count));
    assert_eq!(verdict(&many(99)), "200 Empty");
    assert_eq!(verdict(&many(100)), "431 http1.too_many_headers");
    assert_eq!(verdict(&many(500)), "431 http1.too_many_headers");
    assert_eq!(verdict(&get(&format!("x: {}\r\n", "a".repeat(61_000)))), "200 Empty");
    assert_eq!(verdict(&get(&format!("x: {}\r\n", "a".repeat(61_500)))), "431 http1.headers_too_large");
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(61_500));
    assert_eq!(verdict(long.as_bytes()), "431 http1.headers_too_large");
    let wide = Limits { fields: 300, ..LIMITS };
    let mut input = BytesMut::from(&many(250)[..]);
    let parsed = request_head::parse(&mut input, &mut Vec::new(), wide, &options(), "http").unwrap().unwrap();
    assert_eq!(parsed.head.headers.len(), 250);
}

#[test]
fn a_head_cut_anywhere_is_incomplete_and_its_end_is_seen() {
    let text = b"POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nx: 1\r\n\r\nabc";
    let head = text.len() - 3;
    for cut in 0..head {
        assert_eq!(verdict(&text[..cut]), "incomplete", "{cut}");
        // Bytes that complete a head are never overlooked, wherever the last look ended.
        assert!(may_end(&text[..head], cut), "{cut}");
        assert!(!may_end(&text[..head - 1], cut), "{cut}");
    }
    let parsed = parse(text).unwrap().unwrap();
    assert_eq!((parsed.framing, parsed.head.path.as_str()), (Framing::Length(3), "/p?q"));
}

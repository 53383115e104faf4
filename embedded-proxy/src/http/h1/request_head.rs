//! Request heads as clients send them, and what is refused of them. The words are Envoy's; where it is more lenient than
//! RFC 9112 allows a proxy to be (folded lines, bare CR, blanks behind the version), requests are refused.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, header};

use super::decode::Framing;
use super::fields::{self, CODEC_ERROR, Coding, Hop, Limits, ROOM, Refusal, Span};
use super::target::{self, Target};
use crate::hcm::Http1Options;
use crate::http::{Headers, RequestHead, Version};

/// Methods that are accepted: those of HTTP, WebDAV and their kin, in order.
const METHODS: [&str; 34] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "MSEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// A request may nominate fewer fields than this to be removed.
const NOMINATIONS: usize = 10;

/// A request head.
#[derive(Debug)]
pub(super) struct Parsed {
    pub head: RequestHead,
    pub framing: Framing,
    /// The client would send another request behind this one.
    pub keep_alive: bool,
    /// The client waits for word before it sends the body.
    pub expects: bool,
}

/// The first line of a request and the length of its head.
struct Line {
    method: Method,
    target: Target,
    minor: u8,
    length: usize,
}

/// Takes a request head from the bytes. None: it is not all there yet.
pub(super) fn parse(
    input: &mut BytesMut,
    spans: &mut Vec<Span>,
    limits: Limits,
    options: &Http1Options,
    scheme: &'static str,
) -> Result<Option<Parsed>, Refusal> {
    let Some(line) = line(input, spans, limits, options)? else {
        return if input.len() > limits.bytes { Err(fields::TOO_LARGE) } else { Ok(None) };
    };
    let whole = input.split_to(line.length).freeze();
    if spans.len() > limits.fields {
        return Err(fields::TOO_MANY);
    }
    let mut hop = Hop { bytes: line.target.size, ..Hop::default() };
    let mut headers = fields::collect(&whole, spans, &mut hop, true)?;
    if hop.bytes > limits.bytes {
        return Err(fields::TOO_LARGE);
    }
    let connect = line.method == Method::CONNECT;
    let upgrade = upgrade(&mut hop, &mut headers);
    if connect {
        without_body(&hop, &mut headers)?;
    }
    if hop.coding == Coding::Other || connect && hop.coding != Coding::None {
        return Err(Refusal::NotImplemented("http1.invalid_transfer_encoding"));
    }
    let tunnel = connect || upgrade.is_some();
    if let Some(nominated) = hop.nominated.take().filter(|_| !tunnel) {
        remove_nominated(&nominated, &mut headers, &mut hop)?;
    }
    let authority = authority(&line, hop.host.as_ref(), options)?;
    if hop.coding == Coding::Chunked && hop.length.is_some() {
        if !options.allow_chunked_length {
            return Err(Refusal::Bad("http1.content_length_and_chunked_not_allowed"));
        }
        headers.remove(&header::CONTENT_LENGTH);
        hop.length = None;
    }
    let http10 = line.minor == 0;
    if http10 && !options.http10 {
        return Err(Refusal::OldVersion);
    }
    let framing = match hop.length {
        _ if tunnel => Framing::Raw,
        _ if hop.coding == Coding::Chunked => Framing::Chunked,
        Some(length) if length > 0 => Framing::Length(length),
        _ => Framing::Empty,
    };
    let head = RequestHead {
        method: line.method,
        scheme,
        authority,
        path: line.target.path,
        upgrade,
        version: if http10 { Version::Http10 } else { Version::Http11 },
        headers,
    };
    let keep_alive = !hop.close && !tunnel && (!http10 || hop.keep_alive);
    Ok(Some(Parsed { head, framing, keep_alive, expects: hop.expect && !http10 }))
}

fn line(input: &[u8], spans: &mut Vec<Span>, limits: Limits, options: &Http1Options) -> Result<Option<Line>, Refusal> {
    let mut config = httparse::ParserConfig::default();
    config.allow_multiple_spaces_in_request_line_delimiters(true);
    let mut request = httparse::Request::new(&mut []);
    let mut room = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; ROOM];
    let mut result = config.parse_request_with_uninit_headers(&mut request, input, &mut room);
    let mut more = Vec::new();
    if result == Err(httparse::Error::TooManyHeaders) && limits.fields > ROOM {
        more.resize(limits.fields + 1, MaybeUninit::uninit());
        request = httparse::Request::new(&mut []);
        result = config.parse_request_with_uninit_headers(&mut request, input, &mut more);
    }
    let length = match result {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            let refusal = Refusal::from(error);
            return Err(if refusal == CODEC_ERROR { version(input) } else { refusal });
        }
    };
    fields::note(input, request.headers, spans);
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(CODEC_ERROR);
    };
    if METHODS.binary_search(&method).is_err() {
        return Err(CODEC_ERROR);
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| CODEC_ERROR)?;
    let target = target::read(&method, target, options.absolute_url)?;
    Ok(Some(Line { method, target, minor, length }))
}

/// What a head that is no HTTP/1 is: another version of HTTP, or nothing.
fn version(input: &[u8]) -> Refusal {
    let line = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.starts_with(b" ") {
        return CODEC_ERROR;
    }
    let mut words = line.trim_ascii_end().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (method, target, version) = (words.next(), words.next(), words.next());
    let known = method
        .and_then(|method| std::str::from_utf8(method).ok())
        .is_some_and(|method| METHODS.binary_search(&method).is_ok());
    let versioned = match version {
        None => true,
        Some(b"HTTP/1.0" | b"HTTP/1.1") => false,
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]) => major.is_ascii_digit() && minor.is_ascii_digit(),
        Some(_) => false,
    };
    if known && versioned && target.is_some() && words.next().is_none() { Refusal::OldVersion } else { CODEC_ERROR }
}

/// The protocol that the client wants to change to. HTTP/2 is not begun this way: such a request goes on as it is.
fn upgrade(hop: &mut Hop, headers: &mut Headers) -> Option<String> {
    let protocol = hop.protocol.take().filter(|_| hop.upgrade)?;
    if protocol.as_bytes().eq_ignore_ascii_case(b"h2c") {
        headers.remove(&HeaderName::from_static("http2-settings"));
        return None;
    }
    let protocol = protocol.to_str().ok()?;
    (!protocol.is_empty()).then(|| protocol.to_string())
}

/// CONNECT has no body: a length of zero is dropped, another one refused.
fn without_body(hop: &Hop, headers: &mut Headers) -> Result<(), Refusal> {
    match hop.length {
        None => Ok(()),
        Some(0) => {
            headers.remove(&header::CONTENT_LENGTH);
            Ok(())
        }
        Some(_) => Err(Refusal::Bad("http1.body_disallowed")),
    }
}

/// Removes the fields that `connection` nominates. What tells where a request comes from may not be nominated: removing
/// it would hide the origin.
fn remove_nominated(nominated: &HeaderValue, headers: &mut Headers, hop: &mut Hop) -> Result<(), Refusal> {
    const REJECTED: Refusal = Refusal::Bad("http1.connection_header_rejected");
    if fields::tokens(nominated.as_bytes()).count() >= NOMINATIONS {
        return Err(REJECTED);
    }
    for token in fields::tokens(nominated.as_bytes()) {
        let lower = token.to_ascii_lowercase();
        match lower.as_slice() {
            b"close" | b"keep-alive" | b"upgrade" | b"http2-settings" | b"te" => {}
            b"host" => hop.host = None,
            b"x-forwarded-for" | b"x-forwarded-host" | b"x-forwarded-proto" | [b':', ..] => return Err(REJECTED),
            name => {
                if let Ok(name) = HeaderName::from_bytes(name) {
                    headers.remove(&name);
                }
            }
        }
    }
    Ok(())
}

/// Who the request is for: the target says it, else `host`.
fn authority(line: &Line, host: Option<&HeaderValue>, options: &Http1Options) -> Result<String, Refusal> {
    if let Some(authority) = &line.target.authority {
        return Ok(authority.clone());
    }
    let Some(host) = host else {
        return Ok(if line.minor == 0 { options.default_host.clone() } else { String::new() });
    };
    if !host.as_bytes().iter().all(|byte| target::is_authority(*byte)) {
        return Err(Refusal::Bad("http.invalid_authority"));
    }
    Ok(host.to_str().map_err(|_| Refusal::Bad("http.invalid_authority"))?.to_string())
}

/// Whether a whole head may be in the bytes from `from` on: an empty line ends it.
pub(super) fn may_end(bytes: &[u8], from: usize) -> bool {
    let from = from.saturating_sub(3);
    bytes[from..].windows(2).any(|two| two == b"\n\n") || bytes[from..].windows(3).any(|three| three == b"\n\r\n")
}

/// Empty lines in front of a request are skipped.
pub(super) fn skip_empty_lines(bytes: &mut BytesMut) {
    let count = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if count > 0 {
        let _: Bytes = bytes.split_to(count).freeze();
    }
}

//! Heads and bodies as bytes.

use bytes::Bytes;
use http::{Method, StatusCode, header};

use super::out::Out;
use crate::http::{Body, Headers, RequestHead, ResponseHead};

/// How a body is put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Not at all: the head says all (HEAD, 304).
    Nothing,
    /// So many bytes are still due.
    Length(u64),
    Chunked,
    /// As it is, to the end of the connection.
    Raw,
}

/// Puts a body on the wire.
#[derive(Debug)]
pub(super) struct Encoder {
    mode: Mode,
    /// Whether trailers are written.
    pub trailers: bool,
}

impl Encoder {
    /// Adds a piece. False: it is more than the head promised, and nothing was added.
    pub fn data(&mut self, out: &mut Out, data: Bytes) -> bool {
        match &mut self.mode {
            Mode::Nothing => {}
            Mode::Raw => out.piece(data, b""),
            Mode::Chunked => {
                hexadecimal(&mut out.bytes, data.len());
                out.piece(data, b"\r\n");
            }
            Mode::Length(left) => match left.checked_sub(data.len() as u64) {
                None => return false,
                Some(rest) => {
                    *left = rest;
                    out.piece(data, b"");
                }
            },
        }
        true
    }

    /// Adds what ends the body. False: it is shorter than the head promised.
    pub fn end(&mut self, out: &mut Out, trailers: Option<&Headers>) -> bool {
        match self.mode {
            Mode::Nothing | Mode::Raw => true,
            Mode::Length(left) => left == 0,
            Mode::Chunked => {
                out.bytes.extend_from_slice(b"0\r\n");
                if let Some(trailers) = trailers.filter(|_| self.trailers) {
                    fields(&mut out.bytes, trailers);
                }
                out.bytes.extend_from_slice(b"\r\n");
                true
            }
        }
    }

    /// Whether the body ends with the connection.
    pub fn is_raw(&self) -> bool {
        self.mode == Mode::Raw
    }
}

fn hexadecimal(bytes: &mut Vec<u8>, size: usize) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        bytes.push(b"0123456789abcdef"[size >> (digit * 4) & 15]);
    }
    bytes.extend_from_slice(b"\r\n");
}

fn field(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

fn fields(bytes: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers.iter() {
        field(bytes, name.as_str(), value.as_bytes());
    }
}

/// The length that the fields promise.
fn promised(headers: &Headers) -> Option<u64> {
    headers.text(&header::CONTENT_LENGTH)?.parse().ok()
}

/// Writes a request head for the upstream connection. The encoder is for its body.
pub(super) fn request(head: &RequestHead, body: &Body, out: &mut Out, trailers: bool) -> Encoder {
    let bytes = &mut out.bytes;
    let connect = head.method == Method::CONNECT;
    bytes.extend_from_slice(head.method.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(if connect { head.authority.as_bytes() } else { head.path.as_bytes() });
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    field(bytes, "host", head.authority.as_bytes());
    fields(bytes, &head.headers);
    let mode = if let Some(protocol) = head.upgrade.as_ref().filter(|_| !connect) {
        field(bytes, "connection", b"upgrade");
        field(bytes, "upgrade", protocol.as_bytes());
        Mode::Raw
    } else if connect {
        Mode::Raw
    } else if let Some(length) = promised(&head.headers) {
        Mode::Length(length)
    } else if body.is_empty() {
        if !needs_no_length(&head.method) {
            field(bytes, "content-length", b"0");
        }
        Mode::Length(0)
    } else {
        field(bytes, "transfer-encoding", b"chunked");
        Mode::Chunked
    };
    bytes.extend_from_slice(b"\r\n");
    Encoder { mode, trailers }
}

/// Whether a request of that method is sent without `content-length` when it has no body.
fn needs_no_length(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::DELETE | Method::TRACE | Method::CONNECT)
}

/// What of the request and the connection decides how a response is written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answering {
    /// The request was HEAD.
    pub head_request: bool,
    /// The request was CONNECT.
    pub connect: bool,
    /// The request was HTTP/1.0.
    pub http10: bool,
    /// The connection is closed behind the response.
    pub close: bool,
    /// The client asked for a persistent HTTP/1.0 connection and gets it.
    pub keep_alive: bool,
    /// Trailers are written.
    pub trailers: bool,
}

/// Writes a response head for the client. The encoder is for its body.
pub(super) fn response(head: &ResponseHead, body: &Body, out: &mut Out, how: Answering) -> Encoder {
    let status = head.status;
    let bytes = &mut out.bytes;
    bytes.extend_from_slice(if how.http10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(reason(status).as_bytes());
    bytes.extend_from_slice(b"\r\n");
    fields(bytes, &head.headers);
    let switching = status == StatusCode::SWITCHING_PROTOCOLS;
    let tunnel = how.connect && status.is_success();
    if switching {
        field(bytes, "connection", b"upgrade");
    } else if how.close && !tunnel {
        field(bytes, "connection", b"close");
    } else if how.keep_alive {
        field(bytes, "connection", b"keep-alive");
    }
    let mode = if switching || tunnel {
        Mode::Raw
    } else if how.head_request || head.is_bodiless() {
        if how.head_request && !head.is_bodiless() && promised(&head.headers).is_none() && !how.http10 {
            field(bytes, "transfer-encoding", b"chunked");
        }
        Mode::Nothing
    } else if let Some(length) = promised(&head.headers) {
        Mode::Length(length)
    } else if body.is_empty() {
        field(bytes, "content-length", b"0");
        Mode::Length(0)
    } else if how.http10 {
        Mode::Raw
    } else {
        field(bytes, "transfer-encoding", b"chunked");
        Mode::Chunked
    };
    bytes.extend_from_slice(b"\r\n");
    Encoder { mode, trailers: how.trailers }
}

/// The words behind a status code.
fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}

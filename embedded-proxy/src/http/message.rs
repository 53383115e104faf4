//! Requests and responses.

use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header};

use super::{Body, Headers};

/// Version of HTTP on one side of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl Version {
    /// As access logs write it: `HTTP/1.1`, `HTTP/2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// What stands before a request's body. `Host` and pseudo headers are not among the fields: they have members here.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// Method.
    pub method: Method,
    /// `https` or `http`: of the downstream connection, or what a trusted `x-forwarded-proto` says.
    pub scheme: &'static str,
    /// `:authority` or `Host`, empty when a request has neither.
    pub authority: String,
    /// Path and query as received, visible ASCII; empty for a plain CONNECT.
    pub path: String,
    /// `:protocol` of an extended CONNECT, or the `Upgrade` token of HTTP/1.1: both mean that the stream changes protocol.
    pub upgrade: Option<String>,
    /// Version on the downstream side.
    pub version: Version,
    /// Fields without `Host`, hop-by-hop fields removed.
    pub headers: Headers,
}

impl RequestHead {
    /// The path without query and fragment.
    pub fn path_only(&self) -> &str {
        self.path.split(['?', '#']).next().unwrap_or_default()
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<&str> {
        let rest = self.path.split_once('?')?.1;
        rest.split('#').next()
    }

    /// A field as Envoy's matchers and operators see it: pseudo headers by their names (`:path`), `host` as the
    /// authority, repeated fields joined by commas.
    pub fn field(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
        match name {
            ":method" => Some(self.method.as_str().as_bytes().into()),
            ":path" => (!self.path.is_empty()).then(|| self.path.as_bytes().into()),
            ":authority" | "host" | "Host" => (!self.authority.is_empty()).then(|| self.authority.as_bytes().into()),
            ":scheme" => Some(self.scheme.as_bytes().into()),
            ":protocol" => self.upgrade.as_ref().map(|protocol| protocol.as_bytes().into()),
            name => self.headers.joined(&HeaderName::from_bytes(name.as_bytes()).ok()?),
        }
    }

    /// Whether this is gRPC: its content type says so.
    pub fn is_grpc(&self) -> bool {
        is_grpc(&self.headers)
    }
}

/// What stands before a response's body.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// Status code.
    pub status: StatusCode,
    /// Fields, hop-by-hop fields removed.
    pub headers: Headers,
}

impl ResponseHead {
    /// No fields yet.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: Headers::new() }
    }

    /// Whether this is gRPC: its content type says so.
    pub fn is_grpc(&self) -> bool {
        is_grpc(&self.headers)
    }

    /// Whether only a head is sent: 1xx, 204 and 304 have no body.
    pub fn is_bodiless(&self) -> bool {
        self.status.is_informational() || matches!(self.status.as_u16(), 204 | 304)
    }
}

fn is_grpc(headers: &Headers) -> bool {
    headers.get(&header::CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .strip_prefix(b"application/grpc")
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    })
}

/// A request with its body.
#[derive(Debug)]
pub struct Request {
    /// Head.
    pub head: RequestHead,
    /// Body. For an upgrade or CONNECT: the bytes the client sends after the switch.
    pub body: Body,
}

/// A response with its body.
#[derive(Debug)]
pub struct Response {
    /// Head.
    pub head: ResponseHead,
    /// Body. For an accepted upgrade (101, or 200 to CONNECT): the bytes the server sends after the switch.
    pub body: Body,
}

impl Response {
    /// A response with a body at hand and its `content-length`.
    pub fn full(status: StatusCode, headers: Headers, body: Bytes) -> Self {
        let mut head = ResponseHead { status, headers };
        head.headers.set(header::CONTENT_LENGTH, body.len().into());
        Self { head, body: body.into() }
    }
}

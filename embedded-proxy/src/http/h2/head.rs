//! Heads of messages between the `h2` crate and the proxy, in both directions.
//!
//! Upgrades are one thing inside the proxy: an HTTP/1 upgrade and an extended CONNECT (RFC 8441) both are a request with
//! `upgrade`, accepted with 101. On an HTTP/2 wire they are `CONNECT` with `:protocol`, accepted with 200.

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::http::{Body, Headers, RequestHead, ResponseHead, Version};

/// The head of a request that came in. `scheme` is that of the connection: what the client says of it is not trusted.
pub(super) fn request_in(parts: http::request::Parts, scheme: &'static str) -> RequestHead {
    let http::request::Parts { method, uri, headers, extensions, .. } = parts;
    let protocol = extensions.get::<h2::ext::Protocol>().map(|protocol| protocol.as_str().to_string());
    let mut headers = headers_in(headers);
    let authority = match uri.authority() {
        Some(authority) => authority.as_str().to_string(),
        None => headers.text(&header::HOST).unwrap_or_default().to_string(),
    };
    headers.remove(&header::HOST);
    // As Envoy, an extended CONNECT becomes the GET that an HTTP/1 upgrade is; routes and filters see one kind.
    let method = if protocol.is_some() { Method::GET } else { method };
    let path = uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let path = if method == Method::CONNECT { String::new() } else { path.to_string() };
    RequestHead { method, scheme, authority, path, upgrade: protocol, version: Version::Http2, headers }
}

/// The head of a response to send; `upgrade`: the request was an extended CONNECT. The head stays for the logs.
pub(super) fn response_out(head: &ResponseHead, upgrade: bool) -> http::Response<()> {
    let accepted = upgrade && head.status == StatusCode::SWITCHING_PROTOCOLS;
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in head.headers.iter() {
        if may_be_sent(name, value, accepted) {
            headers.append(name.clone(), value.clone());
        }
    }
    let mut response = http::Response::new(());
    *response.status_mut() = if accepted { StatusCode::OK } else { head.status };
    *response.headers_mut() = headers;
    response
}

/// The head of a request to send; none when it cannot be said in HTTP/2 (a target that is no URL).
pub(super) fn request_out(head: RequestHead) -> Option<http::Request<()>> {
    let mut request = http::Request::new(());
    let connect = head.method == Method::CONNECT && head.upgrade.is_none();
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in head.headers {
        if may_be_sent(&name, &value, head.upgrade.is_some()) {
            headers.append(name, value);
        }
    }
    if let Some(protocol) = &head.upgrade {
        request.extensions_mut().insert(h2::ext::Protocol::from(protocol.as_str()));
    }
    *request.method_mut() = if head.upgrade.is_some() { Method::CONNECT } else { head.method };
    let mut parts = http::uri::Parts::default();
    if !head.authority.is_empty() {
        parts.authority = Some(Authority::from_maybe_shared(Bytes::from(head.authority)).ok()?);
    }
    if !connect {
        let path = if head.path.is_empty() { "/".to_string() } else { head.path };
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(path)).ok()?);
        if parts.authority.is_some() {
            parts.scheme = Some(if head.scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP });
        } else {
            // h2 adds the scheme that it lacks to a request of HTTP/1 without authority.
            *request.version_mut() = http::Version::HTTP_11;
        }
    }
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// The head of a response that came in. `upgrade`: it answers an extended CONNECT.
pub(super) fn response_in(parts: http::response::Parts, upgrade: bool) -> ResponseHead {
    let status = match parts.status {
        StatusCode::OK if upgrade => StatusCode::SWITCHING_PROTOCOLS,
        status => status,
    };
    ResponseHead { status, headers: Headers::from(parts.headers) }
}

/// Fields of a request, crumbs of `cookie` joined as RFC 9113 8.2.3 wants it for what is not HTTP/2.
fn headers_in(map: HeaderMap) -> Headers {
    let mut headers = Headers::from(map);
    if headers.all(&header::COOKIE).nth(1).is_some() {
        let mut joined = BytesMut::new();
        for crumb in headers.all(&header::COOKIE) {
            if !joined.is_empty() {
                joined.extend_from_slice(b"; ");
            }
            joined.extend_from_slice(crumb.as_bytes());
        }
        if let Ok(value) = HeaderValue::from_maybe_shared(joined.freeze()) {
            headers.set(header::COOKIE, value);
        }
    }
    headers
}

/// Whether a field is allowed in HTTP/2 (RFC 9113 8.2.2). The HTTP/1 codec takes those that are not off already; filters
/// and header edits could have put them back. `te` may only say `trailers`; a stream that changes its protocol has no
/// length.
fn may_be_sent(name: &HeaderName, value: &HeaderValue, upgrade: bool) -> bool {
    match *name {
        header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE | header::HOST => false,
        header::TE => value == "trailers",
        header::CONTENT_LENGTH => !upgrade,
        _ => !matches!(name.as_str(), "keep-alive" | "proxy-connection"),
    }
}

/// Whether a response of this head has no body on the wire, so that its HEADERS frame ends the stream.
pub(super) fn ends(head: &ResponseHead, body: &Body) -> bool {
    body.is_empty() || (head.is_bodiless() && head.status != StatusCode::SWITCHING_PROTOCOLS)
}

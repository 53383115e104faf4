//! Answers that the proxy gives itself, as Envoy's local replies.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::{Headers, RequestHead, Response, StreamError};
use crate::stream::Flag;

/// A local reply: status, text, flag, and the details for access logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Status code (of HTTP; gRPC requests get it translated).
    pub status: StatusCode,
    /// Body text; empty for none.
    pub body: Bytes,
    /// `content-type` of the body when it is not `text/plain`.
    pub content_type: Option<HeaderValue>,
    /// Response flag to set, if any.
    pub flag: Option<Flag>,
    /// What `%RESPONSE_CODE_DETAILS%` prints, in Envoy's words.
    pub details: String,
    /// `grpc-status` for gRPC requests when it is not derived from the status.
    pub grpc_status: Option<u32>,
    /// Fields to add.
    pub headers: Headers,
}

impl Reply {
    /// A reply with a text and Envoy's details word.
    pub fn new(status: StatusCode, details: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            content_type: None,
            flag: None,
            details: details.into(),
            grpc_status: None,
            headers: Headers::new(),
        }
    }

    /// With a response flag.
    pub fn flag(mut self, flag: Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// The response to `request`: gRPC requests get 200 with `grpc-status` and `grpc-message`, others status and text.
    /// `HEAD` is answered without a body but with its length.
    pub fn into_response(self, request: &RequestHead) -> Response {
        if request.is_grpc() {
            let mut headers = self.headers;
            let code = self.grpc_status.unwrap_or_else(|| grpc_status(self.status));
            headers.set(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.set(HeaderName::from_static("grpc-status"), code.into());
            if !self.body.is_empty() {
                let message = HeaderValue::from_str(&percent_encode(&self.body));
                headers.set(HeaderName::from_static("grpc-message"), message.unwrap_or(HeaderValue::from_static("")));
            }
            let mut response = Response::full(StatusCode::OK, headers, Bytes::new());
            response.head.headers.remove(&header::CONTENT_LENGTH);
            return response;
        }
        self.into_http(&request.method)
    }

    /// The response with status and text, whatever the request looks like.
    pub fn into_http(self, method: &Method) -> Response {
        let mut headers = self.headers;
        if !self.body.is_empty() {
            headers.set(header::CONTENT_LENGTH, self.body.len().into());
            // A type that the route sets counts more than the default.
            if self.content_type.is_some() || !headers.has(&header::CONTENT_TYPE) {
                let kind = self.content_type.unwrap_or(HeaderValue::from_static("text/plain"));
                headers.set(header::CONTENT_TYPE, kind);
            }
        }
        let mut response =
            Response { head: super::ResponseHead { status: self.status, headers }, body: self.body.into() };
        if *method == Method::HEAD {
            response.body = super::Body::Empty;
        }
        response
    }
}

/// The answer to a request whose own body failed.
impl From<StreamError> for Reply {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::TooLarge => {
                Reply::new(StatusCode::PAYLOAD_TOO_LARGE, "request_payload_too_large", "Payload Too Large")
            }
            StreamError::IdleTimeout => {
                Reply::new(StatusCode::REQUEST_TIMEOUT, "stream_idle_timeout", "stream timeout")
                    .flag(Flag::StreamIdleTimeout)
            }
            StreamError::Timeout | StreamError::Duration => {
                Reply::new(StatusCode::REQUEST_TIMEOUT, "request_overall_timeout", "request timeout")
            }
            StreamError::Protocol(_) => {
                Reply::new(StatusCode::BAD_REQUEST, "codec_error", "Bad Request").flag(Flag::DownstreamProtocolError)
            }
            StreamError::Disconnected => Reply::new(StatusCode::BAD_REQUEST, "downstream_remote_disconnect", "")
                .flag(Flag::DownstreamConnectionTermination),
            StreamError::Reset(_) => {
                Reply::new(StatusCode::BAD_REQUEST, "downstream_remote_reset", "").flag(Flag::DownstreamRemoteReset)
            }
        }
    }
}

/// gRPC status for a status of HTTP, as the gRPC specification maps them for replies of proxies.
pub fn grpc_status(status: StatusCode) -> u32 {
    match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// Status of HTTP for a status of gRPC, as Envoy maps them for its statistics of hosts.
pub fn http_status(grpc: u32) -> u16 {
    match grpc {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

/// `grpc-message` encoding: printable ASCII stays, the rest and `%` becomes `%XX`.
pub fn percent_encode(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for &byte in text {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

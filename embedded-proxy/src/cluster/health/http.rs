//! Checks with an HTTP request.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};

use crate::http::{Body, Frame, Headers, Request, RequestHead, Response, Version};
use crate::matching::StringMatcher;
use crate::proto::Reader;

use super::fields::FieldEdits;
use super::wire::Wire;
use super::{Checked, payload};

const DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");
const IMMEDIATE_FAIL: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");
const CHECKED_CLUSTER: HeaderName = HeaderName::from_static("x-envoy-upstream-healthchecked-cluster");
pub(super) const USER_AGENT: HeaderValue = HeaderValue::from_static("Envoy/HC");

/// Half-open ranges of status codes.
type Ranges = Vec<(u16, u16)>;

/// The request, and what its response must be.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCheck {
    /// `Host`; empty for the endpoint's or the cluster's name.
    pub host: String,
    /// Method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Body.
    pub send: Bytes,
    /// Parts that the response's body must have.
    pub receive: Vec<Bytes>,
    /// Bytes of the body that are looked at; 0 for all.
    pub buffer: usize,
    /// Codes of a host that is well.
    pub expected: Ranges,
    /// Codes that count like a failed connection: only several in a row make a host unhealthy.
    pub retriable: Ranges,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
    /// What `x-envoy-upstream-healthchecked-cluster` must say.
    pub service: Option<StringMatcher>,
    edits: FieldEdits,
}

fn ranges(reader: &Reader<'_>, field: &str) -> Ranges {
    let mut ranges = Ranges::new();
    for range in reader.list(field) {
        let (start, end) = (range.int("start").unwrap_or(0), range.int("end").unwrap_or(0));
        match (u16::try_from(start), u16::try_from(end)) {
            (Ok(start), Ok(end)) if start < end && start >= 100 && end <= 600 => ranges.push((start, end)),
            _ => range.defect("", format!("{start} to {end} is no range of status codes from 100 to 600")),
        }
    }
    ranges
}

fn within(ranges: &Ranges, code: u16) -> bool {
    ranges.iter().any(|(start, end)| (*start..*end).contains(&code))
}

impl HttpCheck {
    /// Reads `HttpHealthCheck`.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let word = reader.word("method");
        let method = if word == "METHOD_UNSPECIFIED" { "GET" } else { word.as_str() };
        let codec = reader.word("codec_client_type");
        if codec == "HTTP3" {
            reader.defect("codec_client_type", "the proxy does not have HTTP/3");
        }
        let mut expected = ranges(reader, "expected_statuses");
        if expected.is_empty() {
            expected.push((200, 201));
        }
        let send = reader.message("send").and_then(|send| payload::read(&send)).unwrap_or_default();
        if !send.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE" | "TRACE") {
            reader.defect("send", format!("a request with method {method} has no body"));
        }
        let receive = payload::read_all(&reader.list("receive"));
        let buffer = usize::try_from(reader.number("response_buffer_size").unwrap_or(1024)).unwrap_or(0);
        let length: usize = receive.iter().map(Bytes::len).sum();
        if buffer != 0 && length > buffer {
            reader.defect("receive", format!("{length} bytes are more than response_buffer_size, {buffer}"));
        }
        Some(Self {
            host: reader.text("host"),
            method: method.parse().ok()?,
            path: reader.need_text("path")?,
            send,
            receive,
            buffer,
            expected,
            retriable: ranges(reader, "retriable_statuses"),
            http2: codec == "HTTP2",
            service: reader.message("service_name_matcher").and_then(|matcher| StringMatcher::read(&matcher)),
            edits: FieldEdits::read(reader, "request_headers_to_add", Some("request_headers_to_remove")),
        })
    }

    fn request(&self, authority: &str, scheme: &'static str) -> Request {
        let mut headers = Headers::new();
        headers.add(header::USER_AGENT, USER_AGENT);
        if !self.send.is_empty() {
            headers.add(header::CONTENT_LENGTH, HeaderValue::from(self.send.len()));
        }
        let mut head = RequestHead {
            method: self.method.clone(),
            scheme,
            authority: authority.to_string(),
            path: self.path.clone(),
            upgrade: None,
            version: if self.http2 { Version::Http2 } else { Version::Http11 },
            headers,
        };
        self.edits.apply(&mut head);
        Request { head, body: Body::from(self.send.clone()) }
    }

    /// Asks over a connection. The second value: the host's answer takes it out of all counts at once.
    pub(super) async fn ask(
        &self,
        wire: &mut Wire,
        authority: &str,
        scheme: &'static str,
        verified: impl FnOnce(),
    ) -> (Checked, bool) {
        let mut response = match wire.send(self.request(authority, scheme)).await {
            Ok(response) => response,
            Err(failed) => return (failed, false),
        };
        let body = match self.read_body(&mut response).await {
            Ok(body) => body,
            Err(failed) => return (failed, false),
        };
        let checked = self.judge(&response, &body, verified);
        let at_once =
            matches!(checked, Checked::Failed | Checked::Retriable) && response.head.headers.has(&IMMEDIATE_FAIL);
        (checked, at_once)
    }

    /// Reads the whole body, so that the connection can be used again, and keeps what is looked at.
    async fn read_body(&self, response: &mut Response) -> Result<Vec<u8>, Checked> {
        let mut kept = Vec::new();
        while let Some(frame) = response.body.frame().await {
            let Frame::Data(data) = frame.map_err(|_| Checked::Network)? else { break };
            if !self.receive.is_empty() {
                let most = if self.buffer == 0 { usize::MAX } else { self.buffer };
                kept.extend_from_slice(&data[..data.len().min(most.saturating_sub(kept.len()))]);
            }
        }
        Ok(kept)
    }

    fn judge(&self, response: &Response, body: &[u8], verified: impl FnOnce()) -> Checked {
        if !self.receive.is_empty() && !payload::matches(&self.receive, body) {
            return Checked::Failed;
        }
        let code = response.head.status.as_u16();
        if !within(&self.expected, code) {
            return if within(&self.retriable, code) { Checked::Retriable } else { Checked::Failed };
        }
        if let Some(service) = &self.service {
            verified();
            if !service.matches(response.head.headers.text(&CHECKED_CLUSTER).unwrap_or_default()) {
                return Checked::Failed;
            }
        }
        if response.head.headers.has(&DEGRADED) { Checked::Degraded } else { Checked::Well }
    }
}

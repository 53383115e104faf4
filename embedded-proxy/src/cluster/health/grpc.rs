//! Checks with gRPC's health service: `grpc.health.v1.Health/Check`.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, header};

use crate::http::{Body, Frame, Headers, Request, RequestHead, Version};
use crate::proto::Reader;

use super::Checked;
use super::fields::FieldEdits;
use super::http::USER_AGENT;
use super::wire::Wire;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Answers are a few bytes; more is no answer of the health service.
const MOST: usize = 4096;

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct GrpcCheck {
    /// Name of the service asked for; empty for the server as a whole.
    pub service: String,
    /// Authority; empty for the endpoint's or the cluster's name.
    pub authority: String,
    edits: FieldEdits,
}

impl GrpcCheck {
    /// Reads `GrpcHealthCheck`.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        Some(Self {
            service: reader.text("service_name"),
            authority: reader.text("authority"),
            edits: FieldEdits::read(reader, "initial_metadata", None),
        })
    }

    /// The message with its length before it: field 1 is the name.
    fn message(&self) -> Bytes {
        let name = self.service.as_bytes();
        let mut message = BytesMut::new();
        if !name.is_empty() {
            message.put_u8(0x0a);
            let mut length = name.len();
            while length >= 0x80 {
                message.put_u8(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
                length >>= 7;
            }
            message.put_u8(u8::try_from(length).unwrap_or(0));
            message.put_slice(name);
        }
        let mut framed = BytesMut::with_capacity(5 + message.len());
        framed.put_u8(0);
        framed.put_u32(u32::try_from(message.len()).unwrap_or(0));
        framed.put_slice(&message);
        framed.freeze()
    }

    fn request(&self, authority: &str, scheme: &'static str) -> Request {
        let mut headers = Headers::new();
        headers.add(header::TE, HeaderValue::from_static("trailers"));
        headers.add(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.add(header::USER_AGENT, USER_AGENT);
        let mut head = RequestHead {
            method: Method::POST,
            scheme,
            authority: authority.to_string(),
            path: "/grpc.health.v1.Health/Check".to_string(),
            upgrade: None,
            version: Version::Http2,
            headers,
        };
        self.edits.apply(&mut head);
        Request { head, body: Body::Full(self.message()) }
    }

    /// Asks over a connection.
    pub(super) async fn ask(&self, wire: &mut Wire, authority: &str, scheme: &'static str) -> Checked {
        let mut response = match wire.send(self.request(authority, scheme)).await {
            Ok(response) => response,
            Err(failed) => return failed,
        };
        if response.head.status != http::StatusCode::OK {
            return Checked::Failed;
        }
        let mut status = response.head.headers.text(&STATUS).map(str::to_string);
        let mut body = BytesMut::new();
        while let Some(frame) = response.body.frame().await {
            match frame {
                Ok(Frame::Data(data)) if body.len() + data.len() <= MOST => body.extend_from_slice(&data),
                Ok(Frame::Data(_)) => return Checked::Failed,
                Ok(Frame::Trailers(trailers)) => status = trailers.text(&STATUS).map(str::to_string),
                Err(_) => return Checked::Network,
            }
        }
        if status.as_deref() == Some("0") && serving(&body) { Checked::Well } else { Checked::Failed }
    }
}

/// Whether a framed answer says SERVING: field 1 is 1. Fields that a later version may add are skipped.
fn serving(body: &[u8]) -> bool {
    let Some((head, message)) = body.split_at_checked(5) else { return false };
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    if head[0] != 0 || usize::try_from(length).ok() != Some(message.len()) {
        return false;
    }
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let Some(tag) = varint(&mut rest) else { return false };
        let skip = match tag & 7 {
            0 => {
                let Some(value) = varint(&mut rest) else { return false };
                if tag >> 3 == 1 {
                    status = value;
                }
                0
            }
            1 => 8,
            2 => varint(&mut rest).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX),
            5 => 4,
            _ => return false,
        };
        let Some(next) = rest.get(skip..) else { return false };
        rest = next;
    }
    status == 1
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, next) = rest.split_first()?;
        *rest = next;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_framed() {
        let check = GrpcCheck { service: "ab".into(), authority: String::new(), edits: FieldEdits::default() };
        assert_eq!(&check.message()[..], b"\0\0\0\0\x04\x0a\x02ab");
        let whole = GrpcCheck { service: String::new(), ..check };
        assert_eq!(&whole.message()[..], b"\0\0\0\0\0");
    }

    #[test]
    fn only_serving_is_well() {
        assert!(serving(b"\0\0\0\0\x02\x08\x01"));
        assert!(serving(b"\0\0\0\0\x05\x12\x01x\x08\x01"), "unknown fields are skipped");
        for other in
            [&b"\0\0\0\0\x02\x08\x02"[..], b"\0\0\0\0\0", b"\0\0\0\0\x09\x08\x01", b"", b"\x01\0\0\0\x02\x08\x01"]
        {
            assert!(!serving(other), "{other:?}");
        }
        assert!(!serving(b"\0\0\0\0\x02\x08\xff"));
    }
}

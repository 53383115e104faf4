//! `x-request-id`: made for requests that have none, and for all that come from outside.

use http::{HeaderName, HeaderValue};

use super::forwarded::Origin;
use crate::http::Headers;
use crate::proto::Reader;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// When and how ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestIds {
    /// Make ids at all.
    pub generate: bool,
    /// Keep ids that come from outside.
    pub preserve_external: bool,
    /// Tell the client its id.
    pub in_response: bool,
    /// The id carries the sampling decision in its version digit (Envoy's `pack_trace_reason`).
    pub pack_trace_reason: bool,
}

impl RequestIds {
    /// Reads the fields of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut ids = Self {
            generate: reader.opt_flag("generate_request_id").unwrap_or(true),
            preserve_external: reader.flag("preserve_external_request_id"),
            in_response: reader.flag("always_set_request_id_in_response"),
            pack_trace_reason: true,
        };
        let extension = reader.message("request_id_extension").and_then(|extension| extension.any("typed_config"));
        if let Some((name, config)) = extension {
            if name == "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig" {
                ids.pack_trace_reason = config.opt_flag("pack_trace_reason").unwrap_or(true);
                // Sampling by id is what the tracer does with every id.
                config.ignore(&["use_request_id_for_trace_sampling"]);
            } else {
                config.defect("", format!("the proxy does not have the request id extension {name}"));
            }
        }
        ids
    }

    /// Makes the id of a request where one is due.
    pub fn apply(&self, headers: &mut Headers, origin: &Origin, random: u64) {
        if !self.generate {
            return;
        }
        let replace = origin.edge && !self.preserve_external;
        if replace || !headers.has(&REQUEST_ID) {
            headers.set(REQUEST_ID, uuid(random, fastrand::u64(..)));
        }
    }
}

/// A random UUID, version 4, as a header value.
fn uuid(high: u64, low: u64) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bits = u128::from(high) << 64 | u128::from(low);
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let mut text = Vec::with_capacity(36);
    for digit in (0..32).rev() {
        if matches!(digit, 23 | 19 | 15 | 11) {
            text.push(b'-');
        }
        text.push(DIGITS[(bits >> (digit * 4) & 0xf) as usize]);
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = uuid(u64::MAX, u64::MAX);
        assert_eq!(id.to_str().unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0, 0).to_str().unwrap(), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn outside_ids_are_replaced_at_the_edge_only() {
        let ids = RequestIds { generate: true, preserve_external: false, in_response: false, pack_trace_reason: true };
        let origin = |edge| Origin { client: SocketAddr::from(([192, 0, 2, 1], 1)).into(), internal: false, edge };
        let mut headers = Headers::new();
        headers.set(REQUEST_ID, HeaderValue::from_static("theirs"));
        ids.apply(&mut headers, &origin(false), 1);
        assert_eq!(headers.text(&REQUEST_ID), Some("theirs"));
        ids.apply(&mut headers, &origin(true), 1);
        assert_ne!(headers.text(&REQUEST_ID), Some("theirs"));
    }
}

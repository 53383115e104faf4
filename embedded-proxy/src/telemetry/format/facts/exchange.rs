//! Facts of an exchange: code, flags, bytes, names of what was matched.

use super::{Fact, empty, one_word};
use crate::http::{Headers, RequestHead};
use crate::stream::Flag;
use crate::telemetry::format::path::decode;
use crate::telemetry::format::{FormatContext, Piece};

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("ACCESS_LOG_TYPE", |context| Piece::Text(context.log_type.as_str().into())),
    ("BYTES_RECEIVED", |context| Piece::count(context.info.bytes_received)),
    ("BYTES_SENT", |context| Piece::count(context.info.bytes_sent)),
    // Only QUIC counts these.
    ("BYTES_RETRANSMITTED", |_| Piece::Number(0)),
    ("PACKETS_RETRANSMITTED", |_| Piece::Number(0)),
    // No filter of the proxy sets any.
    ("CUSTOM_FLAGS", empty),
    ("CONNECTION_TERMINATION_DETAILS", |context| Piece::text(context.info.termination.as_deref())),
    ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", |context| {
        context.info.transport_failure.as_deref().map_or(Piece::None, one_word)
    }),
    ("LOCAL_REPLY_BODY", |context| Piece::Text(context.local_reply_body.into())),
    ("PROTOCOL", |context| Piece::text(context.request.map(|head| head.version.as_str()))),
    ("REQUEST_HEADERS_BYTES", |context| Piece::count(context.request.map_or(0, request_bytes))),
    ("RESPONSE_CODE", |context| Piece::Number(context.info.code.unwrap_or(0).into())),
    ("RESPONSE_FLAGS", |context| Piece::owned(Some(context.info.flags.to_string()))),
    ("RESPONSE_FLAGS_LONG", flags_long),
    ("RESPONSE_HEADERS_BYTES", |context| {
        // The pseudo header and three digits.
        Piece::count(context.response.map_or(0, |head| field_bytes(&head.headers) + ":status".len() as u64 + 3))
    }),
    ("RESPONSE_TRAILERS_BYTES", |context| Piece::count(context.trailers.map_or(0, field_bytes))),
    ("ROUTE_NAME", |context| Piece::text(context.info.route_name.as_deref().filter(|name| !name.is_empty()))),
    ("SPAN_ID", |context| Piece::text(context.info.span.as_deref())),
    ("STREAM_ID", |context| {
        let id = context.request.and_then(|head| head.headers.text(&REQUEST_ID));
        Piece::text(id)
    }),
    ("TRACE_ID", |context| Piece::text(context.info.trace.as_ref().map(|(id, _)| id.as_str()))),
    ("UNIQUE_ID", |_| Piece::owned(Some(uuid()))),
    ("VIRTUAL_CLUSTER_NAME", |context| Piece::text(context.info.virtual_cluster.as_deref())),
];

const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// `%RESPONSE_CODE_DETAILS%`.
pub fn details<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    context.info.details.as_deref().map_or(Piece::None, one_word)
}

/// `%QUERY_PARAMS%`: the query as it came.
pub fn query<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    Piece::text(context.request.and_then(RequestHead::query))
}

/// `%QUERY_PARAMS(DECODED)%`.
pub fn query_decoded<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    Piece::owned(context.request.and_then(RequestHead::query).map(decode))
}

fn flags_long<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    if context.info.flags.is_empty() {
        return Piece::Text("-".into());
    }
    let words: Vec<&str> = context.info.flags.iter().map(Flag::long).collect();
    Piece::owned(Some(words.join(",")))
}

/// Bytes of names and values.
fn field_bytes(headers: &Headers) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum()
}

fn request_bytes(head: &RequestHead) -> u64 {
    let pseudo = [
        (":method", head.method.as_str()),
        (":scheme", head.scheme),
        (":authority", head.authority.as_str()),
        (":path", head.path.as_str()),
        (":protocol", head.upgrade.as_deref().unwrap_or_default()),
    ];
    let pseudo = pseudo.into_iter().filter(|(_, value)| !value.is_empty());
    field_bytes(&head.headers) + pseudo.map(|(name, value)| (name.len() + value.len()) as u64).sum::<u64>()
}

/// A random UUID (version 4).
fn uuid() -> String {
    let random = fastrand::u128(..);
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_are_uuids_of_version_4() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_ne!(id, uuid());
    }
}

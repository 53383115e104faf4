//! The gRPC status of an exchange.

use http::HeaderName;

use super::Fact;
use crate::telemetry::format::{FormatContext, Piece};

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[("GRPC_STATUS_NUMBER", grpc_number)];

const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Names of the codes by number: as Envoy's logs write them, and in capitals.
const NAMES: [(&str, &str); 17] = [
    ("OK", "OK"),
    ("Canceled", "CANCELLED"),
    ("Unknown", "UNKNOWN"),
    ("InvalidArgument", "INVALID_ARGUMENT"),
    ("DeadlineExceeded", "DEADLINE_EXCEEDED"),
    ("NotFound", "NOT_FOUND"),
    ("AlreadyExists", "ALREADY_EXISTS"),
    ("PermissionDenied", "PERMISSION_DENIED"),
    ("ResourceExhausted", "RESOURCE_EXHAUSTED"),
    ("FailedPrecondition", "FAILED_PRECONDITION"),
    ("Aborted", "ABORTED"),
    ("OutOfRange", "OUT_OF_RANGE"),
    ("Unimplemented", "UNIMPLEMENTED"),
    ("Internal", "INTERNAL"),
    ("Unavailable", "UNAVAILABLE"),
    ("DataLoss", "DATA_LOSS"),
    ("Unauthenticated", "UNAUTHENTICATED"),
];

/// The status of a gRPC request; none when the request is not gRPC.
fn grpc_status(context: &FormatContext<'_>) -> Option<i64> {
    context.request.filter(|head| head.is_grpc())?;
    any_grpc_status(context)
}

/// The status whether or not the request is gRPC: from the trailers, the head, or what the status of HTTP means. -1 when
/// the server's word is no number, none when there was no response.
pub fn any_grpc_status(context: &FormatContext<'_>) -> Option<i64> {
    let trailers = context.trailers.and_then(|trailers| trailers.text(&STATUS));
    let status = trailers.or_else(|| context.response.and_then(|head| head.headers.text(&STATUS)));
    match status {
        Some(status) => Some(status.parse::<u32>().map_or(-1, i64::from)),
        None => {
            let code = http::StatusCode::from_u16(context.info.code?).ok()?;
            Some(crate::http::grpc_status(code).into())
        }
    }
}

fn named<'c>(context: &FormatContext<'c>, name: fn(&(&'static str, &'static str)) -> &'static str) -> Piece<'c> {
    let Some(status) = grpc_status(context) else { return Piece::None };
    match usize::try_from(status).ok().and_then(|status| NAMES.get(status)) {
        Some(names) => Piece::Text(name(names).into()),
        None => Piece::owned(Some(status.to_string())),
    }
}

/// `%GRPC_STATUS%`: `NotFound`.
pub fn grpc_camel<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    named(context, |names| names.0)
}

/// `%GRPC_STATUS(SNAKE_STRING)%`: `NOT_FOUND`.
pub fn grpc_snake<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    named(context, |names| names.1)
}

/// `%GRPC_STATUS_NUMBER%`: `5`.
pub fn grpc_number<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    grpc_status(context).map_or(Piece::None, Piece::Number)
}

//! What the client is told when there is no response: status, text, flag and details in Envoy's words.

use http::{HeaderValue, StatusCode};

use crate::cluster::{UpstreamError, UpstreamErrorKind};
use crate::http::Reply;
use crate::proto::Fraction;
use crate::route::names;
use crate::stream::Flag;

/// No host may take the request. A session that wants no other host may have a status of its own.
pub(crate) fn no_host(status: Option<StatusCode>) -> Reply {
    Reply::new(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), "no_healthy_upstream", "no healthy upstream")
        .flag(Flag::NoHealthyUpstream)
}

/// The control plane asked to drop a share of the requests. `tell`: fields of Envoy's own may be added.
pub(super) fn dropped(share: Fraction, tell: bool) -> Reply {
    let (name, details, text, flag) = if share.numerator >= share.denominator {
        let text = "unconditional drop overload";
        (names::UNCONDITIONAL_DROP, "unconditional_drop_overload", text, Flag::UnconditionalDropOverload)
    } else {
        (names::DROP, "drop_overload", "drop overload", Flag::DropOverload)
    };
    let mut reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, details, text).flag(flag);
    if tell {
        reply.headers.add(name, HeaderValue::from_static("true"));
    }
    reply
}

/// Time is up. `details` says which time.
pub(super) fn timeout(status: StatusCode, details: &'static str) -> Reply {
    let text = if status == StatusCode::GATEWAY_TIMEOUT { "upstream request timeout" } else { "" };
    Reply::new(status, details, text).flag(Flag::UpstreamRequestTimeout)
}

/// The last attempt failed. `retried`: it was not the first. `tell`: fields of Envoy's own may be added.
pub(super) fn reset(error: &UpstreamError, retried: bool, tell: bool) -> Reply {
    if let UpstreamErrorKind::Request(error) = error.kind {
        return error.into();
    }
    let reason = reason(error.kind);
    let transport = transport(error);
    let retried = if retried { "retried and the latest " } else { "" };
    let bar = if transport.is_empty() { "" } else { "|" };
    let body = format!("upstream connect error or disconnect/reset before headers. {retried}reset reason: {reason}");
    let details =
        format!("upstream_reset_before_response_started{{{reason}{bar}{transport}}}").replace([' ', '\t'], "_");
    let status = match error.kind {
        UpstreamErrorKind::Protocol | UpstreamErrorKind::TooLarge => StatusCode::BAD_GATEWAY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut reply = Reply::new(status, details, body).flag(error.flag());
    if error.kind == UpstreamErrorKind::Overflow && tell {
        reply.headers.add(names::OVERLOADED, HeaderValue::from_static("true"));
    }
    reply
}

/// Envoy's word for a kind of failure.
fn reason(kind: UpstreamErrorKind) -> &'static str {
    match kind {
        UpstreamErrorKind::ConnectFailure => "remote connection failure",
        UpstreamErrorKind::ConnectTimeout => "connection timeout",
        UpstreamErrorKind::Disconnected => "connection termination",
        UpstreamErrorKind::Reset => "remote reset",
        UpstreamErrorKind::Refused => "remote refused stream reset",
        UpstreamErrorKind::Overflow => "overflow",
        UpstreamErrorKind::Protocol | UpstreamErrorKind::TooLarge => "protocol error",
        UpstreamErrorKind::Request(_) => "local reset",
    }
}

/// Only failures to connect have a reason of the transport.
fn transport(error: &UpstreamError) -> &str {
    match error.kind {
        UpstreamErrorKind::ConnectFailure => &error.detail,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_envoys_words() {
        let refused =
            UpstreamError::unsent(UpstreamErrorKind::ConnectFailure, "delayed connect error: Connection refused");
        let reply = reset(&refused, false, true);
        assert_eq!(
            reply.body,
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection \
            failure"
        );
        assert_eq!(
            reply.details,
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_\
            Connection_refused}"
        );
        assert_eq!((reply.status.as_u16(), reply.flag), (503, Some(Flag::UpstreamConnectionFailure)));
        let full = reset(&UpstreamError::unsent(UpstreamErrorKind::Overflow, "x"), true, true);
        assert_eq!(
            full.body,
            "upstream connect error or disconnect/reset before headers. retried and the latest reset \
            reason: overflow"
        );
        assert_eq!(full.headers.text(&names::OVERLOADED), Some("true"));
        assert_eq!(reset(&UpstreamError::sent(UpstreamErrorKind::Protocol, "x"), false, true).status.as_u16(), 502);
        let all = dropped(Fraction::ALL, true);
        assert_eq!(
            (all.body.as_ref(), all.flag),
            (b"unconditional drop overload".as_slice(), Some(Flag::UnconditionalDropOverload))
        );
        assert_eq!(all.headers.text(&names::UNCONDITIONAL_DROP), Some("true"));
        assert_eq!(timeout(StatusCode::NO_CONTENT, "response_timeout").body, "");
    }
}

//! Facts of the upstream side: cluster, host, connection.

use super::connection::{address, ip, port};
use super::{Fact, nothing, one_word};
use crate::net::Address;
use crate::stream::UpstreamInfo;
use crate::telemetry::format::command::without_port;
use crate::telemetry::format::{FormatContext, Piece};

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("UPSTREAM_CLUSTER", |context| {
        let upstream: &UpstreamInfo = &context.info.upstream;
        Piece::text(upstream.cluster_alt.as_deref().or(upstream.cluster.as_deref()))
    }),
    ("UPSTREAM_CLUSTER_RAW", |context| Piece::text(context.info.upstream.cluster.as_deref())),
    ("UPSTREAM_HOST", remote),
    ("UPSTREAM_HOST_NAME", |context| match hostname(context) {
        Some(name) => Piece::Text(name.into()),
        None => remote(context),
    }),
    ("UPSTREAM_HOST_NAME_WITHOUT_PORT", |context| match hostname(context) {
        Some(name) => Piece::Text(without_port(name).into()),
        None => remote_without_port(context),
    }),
    ("UPSTREAM_LOCAL_ADDRESS", |context| address(context.info.upstream.local)),
    ("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |context| ip(context.info.upstream.local)),
    ("UPSTREAM_LOCAL_PORT", |context| port(context.info.upstream.local)),
    ("UPSTREAM_PROTOCOL", |context| Piece::text(context.info.upstream.protocol)),
    ("UPSTREAM_REMOTE_ADDRESS", remote),
    // Only internal listeners have endpoint ids.
    ("UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", nothing),
    ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", remote_without_port),
    ("UPSTREAM_REMOTE_PORT", |context| port(context.info.upstream.host.as_ref().and_then(Address::socket))),
    ("UPSTREAM_REQUEST_ATTEMPT_COUNT", |context| Piece::Number(context.info.attempts.into())),
    ("UPSTREAM_TRANSPORT_FAILURE_REASON", |context| {
        context.info.upstream.failure.as_deref().map_or(Piece::None, one_word)
    }),
];

fn remote<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    Piece::owned(context.info.upstream.host.as_ref().map(ToString::to_string))
}

/// Addresses that have no port are written whole.
fn remote_without_port<'c>(context: &FormatContext<'c>) -> Piece<'c> {
    let host = context.info.upstream.host.as_ref();
    Piece::owned(host.map(|host| host.ip().map_or_else(|| host.to_string(), |ip| ip.to_string())))
}

fn hostname<'c>(context: &FormatContext<'c>) -> Option<&'c str> {
    context.info.upstream.hostname.as_deref().filter(|name| !name.is_empty())
}

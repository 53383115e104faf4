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
    ("UPSTREAM_HOST", |context| host(context, address)),
    ("UPSTREAM_HOST_NAME", |context| match hostname(context) {
        Some(name) => Piece::Text(name.into()),
        None => host(context, address),
    }),
    ("UPSTREAM_HOST_NAME_WITHOUT_PORT", |context| match hostname(context) {
        Some(name) => Piece::Text(without_port(name).into()),
        None => host(context, ip),
    }),
    ("UPSTREAM_LOCAL_ADDRESS", |context| local(context, address)),
    ("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |context| local(context, ip)),
    ("UPSTREAM_LOCAL_PORT", |context| local(context, port)),
    ("UPSTREAM_PROTOCOL", |context| Piece::text(context.info.upstream.protocol)),
    ("UPSTREAM_REMOTE_ADDRESS", |context| host(context, address)),
    // Only internal listeners have endpoint ids.
    ("UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", nothing),
    ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", |context| host(context, ip)),
    ("UPSTREAM_REMOTE_PORT", |context| host(context, port)),
    ("UPSTREAM_REQUEST_ATTEMPT_COUNT", |context| Piece::Number(context.info.attempts.into())),
    ("UPSTREAM_TRANSPORT_FAILURE_REASON", |context| {
        context.info.upstream.failure.as_deref().map_or(Piece::None, one_word)
    }),
];

fn host<'c>(context: &FormatContext<'c>, write: fn(&Address) -> Piece<'static>) -> Piece<'c> {
    context.info.upstream.host.as_ref().map_or(Piece::None, write)
}

fn local<'c>(context: &FormatContext<'c>, write: fn(&Address) -> Piece<'static>) -> Piece<'c> {
    context.info.upstream.local.map_or(Piece::None, |local| write(&local.into()))
}

fn hostname<'c>(context: &FormatContext<'c>) -> Option<&'c str> {
    context.info.upstream.hostname.as_deref().filter(|name| !name.is_empty())
}

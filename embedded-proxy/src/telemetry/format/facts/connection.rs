//! Facts of the downstream connection: addresses, filter chain.

use std::net::SocketAddr;

use super::{Fact, nothing};
use crate::telemetry::format::Piece;

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("CONNECTION_ID", |context| Piece::count(context.connection.id)),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", |context| address(Some(context.connection.bound))),
    // Only internal listeners have endpoint ids.
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID", nothing),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", |context| ip(Some(context.connection.bound))),
    ("DOWNSTREAM_DIRECT_LOCAL_PORT", |context| port(Some(context.connection.bound))),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", |context| address(Some(context.connection.peer))),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", |context| ip(Some(context.connection.peer))),
    ("DOWNSTREAM_DIRECT_REMOTE_PORT", |context| port(Some(context.connection.peer))),
    ("DOWNSTREAM_LOCAL_ADDRESS", |context| address(Some(context.connection.local))),
    ("DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", nothing),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |context| ip(Some(context.connection.local))),
    ("DOWNSTREAM_LOCAL_PORT", |context| port(Some(context.connection.local))),
    ("DOWNSTREAM_REMOTE_ADDRESS", |context| address(Some(context.info.remote.unwrap_or(context.connection.remote)))),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", |context| {
        ip(Some(context.info.remote.unwrap_or(context.connection.remote)))
    }),
    ("DOWNSTREAM_REMOTE_PORT", |context| port(Some(context.info.remote.unwrap_or(context.connection.remote)))),
    ("FILTER_CHAIN_NAME", |context| Piece::filled(&context.connection.filter_chain)),
];

/// An address with its port.
pub fn address(address: Option<SocketAddr>) -> Piece<'static> {
    Piece::owned(address.map(|address| address.to_string()))
}

/// An address without its port.
pub fn ip(address: Option<SocketAddr>) -> Piece<'static> {
    Piece::owned(address.map(|address| address.ip().to_string()))
}

/// The port of an address.
pub fn port(address: Option<SocketAddr>) -> Piece<'static> {
    address.map_or(Piece::None, |address| Piece::Number(address.port().into()))
}

//! Facts of the downstream connection: addresses, filter chain.

use super::{Fact, nothing};
use crate::net::Address;
use crate::telemetry::format::{FormatContext, Piece};

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("CONNECTION_ID", |context| Piece::count(context.connection.id)),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS", |context| address(&context.connection.bound)),
    // Only internal listeners have endpoint ids.
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID", nothing),
    ("DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", |context| ip(&context.connection.bound)),
    ("DOWNSTREAM_DIRECT_LOCAL_PORT", |context| port(&context.connection.bound)),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", |context| address(&context.connection.peer)),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", |context| ip(&context.connection.peer)),
    ("DOWNSTREAM_DIRECT_REMOTE_PORT", |context| port(&context.connection.peer)),
    ("DOWNSTREAM_LOCAL_ADDRESS", |context| address(&context.connection.local)),
    ("DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID", nothing),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", |context| ip(&context.connection.local)),
    ("DOWNSTREAM_LOCAL_PORT", |context| port(&context.connection.local)),
    ("DOWNSTREAM_REMOTE_ADDRESS", |context| address(client(context))),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", |context| ip(client(context))),
    ("DOWNSTREAM_REMOTE_PORT", |context| port(client(context))),
    ("FILTER_CHAIN_NAME", |context| Piece::filled(&context.connection.filter_chain)),
];

/// The client: the connection's, or who trusted fields say it is.
fn client<'c>(context: &FormatContext<'c>) -> &'c Address {
    context.info.remote.as_ref().unwrap_or(&context.connection.remote)
}

/// An address with its port.
pub fn address(address: &Address) -> Piece<'static> {
    Piece::owned(Some(address.to_string()))
}

/// An address without its port.
pub fn ip(address: &Address) -> Piece<'static> {
    Piece::owned(Some(address.without_port().to_string()))
}

/// The port of an address, if it has one.
pub fn port(address: &Address) -> Piece<'static> {
    address.port().map_or(Piece::None, |port| Piece::Number(port.into()))
}

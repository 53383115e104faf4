//! What routes look at in a request.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::http::RequestHead;
use crate::stream::{Connection, Exchange, Tls};

/// The facts of a request that decide its route.
#[derive(Debug, Clone, Copy)]
pub struct Input<'r> {
    /// Head of the request.
    pub head: &'r RequestHead,
    /// TLS facts of the downstream connection, none without TLS.
    pub tls: Option<&'r Tls>,
    /// The downstream connection.
    pub connection: &'r Connection,
    /// IP address of the client: the connection's, or what trusted fields say; none when it has none.
    pub remote: Option<IpAddr>,
    /// Dynamic metadata by namespace.
    pub metadata: &'r BTreeMap<String, Value>,
    /// Filter state by key.
    pub state: &'r BTreeMap<String, String>,
    /// The random number of the request: fractions and weights use it.
    pub random: u64,
}

impl<'r> Input<'r> {
    /// The facts of an exchange.
    pub fn of(exchange: &'r Exchange) -> Self {
        Self {
            head: &exchange.request.head,
            tls: exchange.connection.tls.as_deref(),
            connection: &exchange.connection,
            remote: exchange.client().ip(),
            metadata: &exchange.info.metadata,
            state: &exchange.info.state,
            random: exchange.random,
        }
    }
}

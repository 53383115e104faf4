//! What rules may look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::http::RequestHead;
use crate::stream::{Connection, Exchange};

/// The facts of one decision. Without a request (`head` is none) rules about requests do not match.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The connection.
    pub connection: &'f Connection,
    /// The request, for HTTP.
    pub head: Option<&'f RequestHead>,
    /// Address of the client as far as it is trusted: from x-forwarded-for, PROXY protocol or the connection.
    pub remote: IpAddr,
    /// Dynamic metadata by namespace.
    pub metadata: &'f BTreeMap<String, Value>,
    /// Metadata of the matched route by namespace; none without a route.
    pub route_metadata: Option<&'f BTreeMap<String, Value>>,
    /// Filter state.
    pub state: &'f BTreeMap<String, String>,
}

impl<'f> Facts<'f> {
    /// Facts of a connection alone.
    pub fn of_connection(connection: &'f Connection) -> Self {
        Self {
            connection,
            head: None,
            remote: connection.remote.ip(),
            metadata: &connection.metadata,
            route_metadata: None,
            state: &connection.state,
        }
    }

    /// Facts of a request.
    pub fn of_exchange(exchange: &'f Exchange) -> Self {
        Self {
            connection: &exchange.connection,
            head: Some(&exchange.request.head),
            remote: exchange.info.remote.unwrap_or(exchange.connection.remote).ip(),
            metadata: &exchange.info.metadata,
            route_metadata: exchange.info.route_metadata.as_deref(),
            state: &exchange.info.state,
        }
    }
}

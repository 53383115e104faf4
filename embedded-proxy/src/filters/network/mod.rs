//! Network filters: what decides about a connection, and what serves it in the end.
//!
//! Filters before the last one decide once, when the connection is there and its TLS handshake is done, and before
//! anything upstream happens. Envoy asks some of them only at the first byte from the client; deciding earlier never
//! lets more through, and refuses clients that wait for the server's first word, too.

mod chain;
mod istio;
mod limits;
mod rbac;
mod registry;
mod set_filter_state;
mod sni_cluster;
mod tcp_proxy;
#[cfg(test)]
mod tests;
mod tunnel;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

pub use chain::{NetworkChain, Terminal};
pub use tcp_proxy::TcpProxy;

use crate::stream::{Connection, StreamInfo};

/// A connection on its way through the filters.
pub struct Session {
    /// What is known about it. Filters may add metadata and filter state.
    pub connection: Connection,
    /// The record, for access logs.
    pub info: StreamInfo,
    /// The cluster that a filter chose (`sni_cluster`); it takes the place of the TCP proxy's.
    pub cluster: Option<Arc<str>>,
    /// What has to live as long as the connection: places in limits.
    pub held: Vec<Box<dyn Any + Send + Sync>>,
    /// Filters that want to know how it ended, when a TCP proxy serves it.
    pub watchers: Vec<Arc<dyn Watcher>>,
}

impl Session {
    /// A connection that no filter has seen.
    pub fn new(connection: Connection) -> Self {
        Self { connection, info: StreamInfo::begin(), cluster: None, held: Vec::new(), watchers: Vec::new() }
    }
}

/// A filter that looks at a connection again when it has ended and its record is complete.
pub trait Watcher: Send + Sync {
    /// The connection ended.
    fn ended(&self, session: &Session);
}

/// What a filter decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The next filter's turn.
    Next,
    /// The connection is closed, after a delay if there is one. The text is Envoy's word for why.
    Close(String, Option<Duration>),
}

/// A filter that decides about connections. One instance serves all connections of its chain.
pub trait NetworkFilter: Send + Sync {
    /// Looks at a new connection.
    fn on_connection(&self, session: &mut Session) -> Verdict;

    /// Its name and what it says about a connection, without effects, for `decide`; none when it has no say by configuration
    /// alone.
    fn verdict(&self, _connection: &Connection) -> Option<(&'static str, crate::filters::http::Verdict)> {
        None
    }
}

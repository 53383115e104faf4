//! What the router, filters and TCP proxies call: a request or a connection to a chosen host of a cluster.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::cluster::{Cluster, Host, UpstreamError, UpstreamErrorKind};
use crate::http::{Request, Response, Version};
use crate::net::Io;
use crate::stream::{Connection, Tls};

use super::connect;

/// Priority of a route: which thresholds of the circuit breakers count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// `DEFAULT`
    #[default]
    Default,
    /// `HIGH`
    High,
}

/// What an attempt wants beside its request. All fields may be left at their defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'o> {
    /// Priority of the route.
    pub priority: Priority,
    /// The downstream connection: for upstream PROXY protocol. None for requests of the proxy's own.
    pub downstream: Option<&'o Arc<Connection>>,
    /// Application protocols to offer instead of the configured ones (Istio's ALPN filter).
    pub alpn: Option<&'o [String]>,
}

/// Facts of an upstream connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectFacts {
    /// Our address.
    pub local: Option<SocketAddr>,
    /// TLS facts.
    pub tls: Option<Arc<Tls>>,
    /// Version of HTTP that is spoken; none for TCP.
    pub protocol: Option<Version>,
}

/// A response, and the connection it came on.
#[derive(Debug)]
pub struct Answer {
    /// The response; its body may still be arriving. Dropping it cancels the request.
    pub response: Response,
    /// The connection.
    pub facts: ConnectFacts,
}

impl Cluster {
    /// Sends a request to a host and returns when the head of the response is there. Dropping the future cancels the
    /// request; there is no timeout but the connect timeout. Bodies flow while both sides are polled.
    pub async fn send(
        self: &Arc<Self>,
        host: &Arc<Host>,
        request: Request,
        options: &SendOptions<'_>,
    ) -> Result<Answer, UpstreamError> {
        let (io, facts) = self.connect(host, options).await?;
        drop((io, request, facts));
        Err(UpstreamError::unsent(UpstreamErrorKind::Protocol, "no codec"))
    }

    /// Opens a connection of its own to a host, transport socket included: for TCP proxies and health checks.
    pub async fn connect(
        self: &Arc<Self>,
        host: &Arc<Host>,
        options: &SendOptions<'_>,
    ) -> Result<(Io, ConnectFacts), UpstreamError> {
        connect::open(&self.upstream, host, options).await
    }
}

//! The part of a cluster's configuration that concerns its connections.

use std::time::Duration;

use crate::proto::Reader;
use crate::services::Build;
use crate::tls::Connector;

/// How the connections of a cluster are made and used.
#[derive(Debug)]
pub struct Upstream {
    /// Time for TCP and the handshake of the transport socket together (Envoy's default: 5 s).
    pub connect_timeout: Duration,
    /// The transport socket.
    pub transport: Connector,
}

impl Upstream {
    /// Takes the fields of `envoy.config.cluster.v3.Cluster` that concern connections: `connect_timeout`,
    /// `transport_socket`. The reader stays the caller's; the scope of `build` is the cluster's.
    pub fn read(cluster: &Reader<'_>, build: &Build) -> Option<Self> {
        let connect_timeout = cluster.duration("connect_timeout").unwrap_or(Duration::from_secs(5));
        let transport = match cluster.message("transport_socket") {
            Some(socket) => Connector::read(&socket, build)?,
            None => Connector::plain(),
        };
        Some(Self { connect_timeout, transport })
    }
}

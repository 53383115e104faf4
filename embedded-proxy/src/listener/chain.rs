//! A filter chain: what a connection goes through once it is known what it is.

use std::sync::Arc;
use std::time::Duration;

use super::Criteria;
use crate::filters::network::NetworkChain;
use crate::net::DrainControl;
use crate::proto::{Reader, fingerprint};
use crate::services::Build;
use crate::tls::Acceptor;

/// A filter chain. Connections hold it; an update that does not change it keeps it.
#[derive(Debug)]
pub struct FilterChain {
    /// Name, empty when it has none.
    pub name: Arc<str>,
    /// What it asks of connections.
    pub criteria: Criteria,
    /// Tells equal chains.
    pub(super) fingerprint: u64,
    /// Transport socket.
    pub acceptor: Acceptor,
    /// Longest time for the handshake of the transport socket.
    pub handshake_timeout: Option<Duration>,
    /// Network filters.
    pub network: NetworkChain,
    /// Word to its connections to end.
    pub drain: DrainControl,
}

impl FilterChain {
    /// Reads an `envoy.config.listener.v3.FilterChain`. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // For people and dumps.
        reader.ignore(&["metadata"]);
        if reader.flag("use_proxy_proto") {
            reader.defect("use_proxy_proto", "use the listener filter envoy.filters.listener.proxy_protocol");
        }
        let criteria = reader
            .message("filter_chain_match")
            .map_or_else(|| Some(Criteria::default()), |asks| Criteria::read(&asks));
        let acceptor = match reader.message("transport_socket") {
            Some(socket) => Acceptor::read(&socket, build),
            None => Some(Acceptor::default()),
        };
        let network = NetworkChain::read(&reader.list("filters"), build);
        let timeout = reader.duration("transport_socket_connect_timeout").filter(|timeout| !timeout.is_zero());
        Some(Self {
            name: reader.text("name").into(),
            criteria: criteria?,
            fingerprint: fingerprint(reader.raw()),
            acceptor: acceptor?,
            handshake_timeout: timeout,
            network: network?,
            drain: DrainControl::default(),
        })
    }

    /// Waits until secrets and routes are there.
    pub async fn ready(&self) {
        self.acceptor.ready().await;
        self.network.ready().await;
    }
}

//! The network filters that exist: one line each, from the name of their message to their constructor.

use std::sync::Arc;

use super::istio::{self, Pass};
use super::limits::{ConnectionLimit, LocalRateLimit};
use super::rbac::Rbac;
use super::set_filter_state::SetFilterState;
use super::sni_cluster::SniCluster;
use super::tcp_proxy::TcpProxy;
use super::{NetworkFilter, Terminal};
use crate::hcm::Hcm;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::istio::IstioStats;

/// A filter as it is made.
pub(super) enum Made {
    /// One that decides.
    Filter(Arc<dyn NetworkFilter>),
    /// One that serves.
    Terminal(Terminal),
}

type Make = fn(&Reader<'_>, &Build) -> Option<Made>;

/// A filter that decides.
pub(super) fn filter(filter: impl NetworkFilter + 'static) -> Made {
    Made::Filter(Arc::new(filter))
}

const KINDS: &[(&str, Make)] = &[
    ("envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit", |reader, build| {
        ConnectionLimit::read(reader, build).map(filter)
    }),
    ("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", |reader, build| {
        Hcm::read(reader, build).map(|hcm| Made::Terminal(Terminal::Http(Arc::new(hcm))))
    }),
    ("envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit", |reader, build| {
        LocalRateLimit::read(reader, build).map(filter)
    }),
    ("envoy.extensions.filters.network.rbac.v3.RBAC", |reader, build| Rbac::read(reader, build).map(filter)),
    ("envoy.extensions.filters.network.set_filter_state.v3.Config", |reader, build| {
        SetFilterState::read(reader, build).map(filter)
    }),
    ("envoy.extensions.filters.network.sni_cluster.v3.SniCluster", |_, _| Some(filter(SniCluster))),
    ("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", |reader, build| {
        TcpProxy::read(reader, build).map(|proxy| Made::Terminal(Terminal::Tcp(Arc::new(proxy))))
    }),
    ("envoy.extensions.filters.network.wasm.v3.Wasm", istio::plugin),
    ("envoy.tcp.metadataexchange.config.MetadataExchange", |reader, _| Some(filter(Pass::read(reader)))),
    ("stats.PluginConfig", |reader, build| IstioStats::read(reader, build).map(filter)),
];

/// Makes the filter that a message of type `name` describes. None: a defect was noted.
pub(super) fn make(name: &str, reader: &Reader<'_>, build: &Build) -> Option<Made> {
    match KINDS.iter().find(|(kind, _)| *kind == name) {
        Some((_, make)) => make(reader, build),
        None => {
            reader.ignore_all();
            reader.defect("", format!("the proxy does not have the network filter {name}"));
            None
        }
    }
}

//! The network filters that exist: one line each, from the name of their message to their constructor.

use std::sync::Arc;

use super::tcp_proxy::TcpProxy;
use super::{NetworkFilter, Terminal};
use crate::proto::Reader;
use crate::services::Build;

/// A filter as it is made.
pub(super) enum Made {
    /// One that decides.
    Filter(Arc<dyn NetworkFilter>),
    /// One that serves.
    Terminal(Terminal),
}

type Make = fn(&Reader<'_>, &Build) -> Option<Made>;

const KINDS: &[(&str, Make)] = &[("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", |reader, build| {
    TcpProxy::read(reader, build).map(|proxy| Made::Terminal(Terminal::Tcp(Arc::new(proxy))))
})];

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

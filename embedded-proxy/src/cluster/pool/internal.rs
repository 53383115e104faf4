//! `envoy.transport_sockets.internal_upstream`: what a connection to a listener inside the proxy brings along.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{Host, Metadata, read_metadata};
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::stats::Counter;

/// Whose metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Cluster,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct InternalSocket {
    /// Namespaces to pass, later ones over earlier ones.
    namespaces: Vec<(Kind, String)>,
    cluster: Arc<Metadata>,
    missing: Arc<Counter>,
}

impl InternalSocket {
    /// Reads `InternalUpstreamTransport` apart from its inner transport socket. `cluster` is the message of the cluster.
    pub(super) fn read(reader: &Reader<'_>, cluster: &Reader<'_>, build: &Build) -> Option<Self> {
        let namespaces: Vec<_> = reader.list("passthrough_metadata").iter().map(read_source).collect();
        Some(Self {
            namespaces: namespaces.into_iter().collect::<Option<_>>()?,
            cluster: Arc::new(read_metadata(cluster.message("metadata"))),
            missing: build.scope.sub("internal_upstream").counter("no_metadata"),
        })
    }

    /// Whether what is passed depends on the cluster's metadata.
    pub(super) fn passes_cluster(&self) -> bool {
        self.namespaces.iter().any(|(kind, _)| *kind == Kind::Cluster)
    }

    /// The metadata for a connection to this host.
    pub(super) fn metadata(&self, host: &Host) -> BTreeMap<String, Value> {
        let own = host.metadata();
        let mut all = BTreeMap::new();
        for (kind, namespace) in &self.namespaces {
            let from = if *kind == Kind::Host { &own } else { &self.cluster };
            match from.get(namespace) {
                Some(value) => {
                    all.insert(namespace.clone(), value.clone());
                }
                None => self.missing.inc(),
            }
        }
        all
    }
}

/// Reads `MetadataValueSource`.
fn read_source(reader: &Reader<'_>) -> Option<(Kind, String)> {
    let name = reader.need_text("name");
    let kind = reader.need("kind")?;
    let chosen = kind.choice("kind");
    match chosen.as_deref() {
        Some("host") => kind.ignore(&["host"]), // Empty messages: which one is set says all.
        Some("cluster") => kind.ignore(&["cluster"]),
        Some(other) => {
            kind.defect(other, "only metadata of hosts and clusters can be passed");
            return None;
        }
        None => {
            reader.defect("kind", "says no kind");
            return None;
        }
    }
    let kind = if chosen.as_deref() == Some("host") { Kind::Host } else { Kind::Cluster };
    Some((kind, name?))
}

//! The transport sockets of a cluster: one for all hosts, or chosen by the metadata of the host.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::Host;
use crate::proto::Reader;
use crate::services::Build;
use crate::tls::Connector;

use super::internal::InternalSocket;
use super::proxy_header::ProxyHeader;

/// Namespace of host metadata that chooses among transport sockets.
const NAMESPACE: &str = "envoy.transport_socket_match";
const PROXY: &str = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";
const INTERNAL: &str = "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport";

/// A transport socket: a header of PROXY protocol, if wanted, and then TLS or nothing.
#[derive(Debug, Clone)]
pub struct Transport {
    /// TLS or plain.
    pub connector: Connector,
    /// The header that is sent first.
    pub header: Option<ProxyHeader>,
    /// What goes along to a listener inside the proxy.
    pub internal: Option<InternalSocket>,
}

impl Transport {
    /// Plain TCP.
    pub fn plain() -> Self {
        Self { connector: Connector::plain(), header: None, internal: None }
    }

    /// Reads `envoy.config.core.v3.TransportSocket` of this cluster.
    fn read(reader: &Reader<'_>, cluster: &Reader<'_>, build: &Build) -> Option<Self> {
        let Some(wrapper) = [PROXY, INTERNAL].into_iter().find(|kind| is(reader, kind)) else {
            return Some(Self { connector: Connector::read(reader, build)?, header: None, internal: None });
        };
        reader.ignore(&["name"]); // The type of the configuration decides.
        let (_, config) = reader.any("typed_config")?;
        let inner = config.need("transport_socket");
        if wrapper == INTERNAL {
            let internal = InternalSocket::read(&config, cluster, build);
            let inner = inner.and_then(|inner| Self::read(&inner, cluster, build));
            return Some(Self { internal: Some(internal?), ..inner? });
        }
        let header = ProxyHeader::read(&config);
        let connector = inner.and_then(|inner| Connector::read(&inner, build));
        Some(Self { connector: connector?, header: Some(header?), internal: None })
    }
}

/// Whether a transport socket is of a kind that wraps another; found out without taking anything.
fn is(reader: &Reader<'_>, kind: &str) -> bool {
    let config = reader.raw().get_field_by_name("typed_config");
    let url = config.as_ref().and_then(|config| config.as_message()?.get_field_by_name("type_url"));
    url.is_some_and(|url| url.as_str().is_some_and(|url| url.ends_with(kind)))
}

/// All of a cluster.
#[derive(Debug, Clone)]
pub struct Transports {
    matches: Vec<(BTreeMap<String, Value>, Transport)>,
    default: Transport,
}

impl Transports {
    /// The same for all hosts.
    pub fn one(default: Transport) -> Self {
        Self { matches: Vec::new(), default }
    }

    /// Reads `transport_socket` and `transport_socket_matches` of `envoy.config.cluster.v3.Cluster`.
    pub fn read(cluster: &Reader<'_>, build: &Build) -> Option<Self> {
        let default = match cluster.message("transport_socket") {
            Some(socket) => Transport::read(&socket, cluster, build),
            None => Some(Transport::plain()),
        };
        let mut matches = Vec::new();
        for entry in cluster.list("transport_socket_matches") {
            entry.ignore(&["name"]); // For people and one counter of Envoy's.
            let fields = entry.message("match").map(|fields| crate::cluster::struct_value(&fields));
            let fields = match fields {
                Some(Value::Object(fields)) => fields.into_iter().collect(),
                _ => BTreeMap::new(),
            };
            let transport = match entry.message("transport_socket") {
                Some(socket) => Transport::read(&socket, cluster, build),
                None => Some(Transport::plain()),
            };
            matches.push((fields, transport?));
        }
        Some(Self { matches, default: default? })
    }

    /// Whether some hosts are reached over TLS.
    pub fn any_tls(&self) -> bool {
        self.all().any(|transport| transport.connector.is_tls())
    }

    /// Whether something goes along to listeners inside the proxy.
    pub fn any_internal(&self) -> bool {
        self.all().any(|transport| transport.internal.is_some())
    }

    /// Whether what goes along depends on the cluster's metadata.
    pub(super) fn passes_cluster(&self) -> bool {
        self.all().filter_map(|transport| transport.internal.as_ref()).any(InternalSocket::passes_cluster)
    }

    fn all(&self) -> impl Iterator<Item = &Transport> {
        std::iter::once(&self.default).chain(self.matches.iter().map(|(_, transport)| transport))
    }

    /// Whether a header of PROXY protocol may be sent: then connections belong to one downstream connection.
    pub fn any_header(&self) -> bool {
        self.all().any(|transport| transport.header.is_some())
    }

    /// The first one whose fields the host's metadata has; otherwise the cluster's.
    pub fn choose(&self, host: &Host) -> &Transport {
        if self.matches.is_empty() {
            return &self.default;
        }
        let metadata = host.metadata();
        let have = metadata.get(NAMESPACE);
        let fits = |fields: &BTreeMap<String, Value>| {
            fields.iter().all(|(name, value)| have.and_then(|have| have.get(name)) == Some(value))
        };
        self.matches.iter().find(|(fields, _)| fits(fields)).map_or(&self.default, |(_, transport)| transport)
    }
}

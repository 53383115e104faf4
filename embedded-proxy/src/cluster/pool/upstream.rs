//! The part of a cluster's configuration that concerns its connections, and their stats.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::net::{Keepalive, SocketOption};
use crate::proto::Reader;
use crate::services::{Build, Services};

use super::http_options::{self, HttpOptions, Protocol};
use super::stats::PoolStats;
use super::transport::Transports;

/// Socket settings of upstream connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Keep-alive probes.
    pub keepalive: Option<Keepalive>,
    /// Addresses to connect from, one for each family at most.
    pub bind: Vec<SocketAddr>,
    /// Bind addresses that the machine does not have.
    pub freebind: bool,
    /// Other options.
    pub options: Vec<SocketOption>,
}

/// How the connections of a cluster are made and used.
#[derive(Debug)]
pub struct Upstream {
    /// Time for TCP and the handshake of the transport socket together (Envoy's default: 5 s).
    pub connect_timeout: Duration,
    /// HTTP.
    pub http: HttpOptions,
    /// A TCP connection on which nothing moves is closed after this time, as far as the cluster says so.
    pub tcp_idle: Option<Duration>,
    /// Sockets.
    pub tcp: TcpOptions,
    /// Transport sockets.
    pub transports: Transports,
    /// Connections are not shared by downstream connections.
    pub exclusive: bool,
    /// Stats of connections and requests.
    pub stats: PoolStats,
    /// Threads that keep connections of their own.
    pub(super) workers: usize,
    /// Where the listeners inside the proxy are.
    pub(super) services: Weak<Services>,
}

impl Upstream {
    /// Takes the fields of `envoy.config.cluster.v3.Cluster` that concern connections. The reader stays the caller's; the
    /// scope of `build` is the cluster's.
    pub fn read(cluster: &Reader<'_>, build: &Build) -> Option<Self> {
        let connect_timeout = cluster.duration("connect_timeout").unwrap_or(Duration::from_secs(5));
        if connect_timeout.is_zero() {
            cluster.defect("connect_timeout", "must be longer than 0s");
        }
        // Buffers here hold less than any sensible limit: a head, a frame, a window.
        cluster.ignore(&["per_connection_buffer_limit_bytes"]);
        let (typed, tcp_idle) = read_typed(cluster)?;
        let old = HttpOptions::read_old(cluster)?;
        let mut http = typed.unwrap_or(old);
        let old_limit = cluster.number("max_requests_per_connection").filter(|most| *most > 0);
        http.common.max_requests = http.common.max_requests.or(old_limit);
        let transports = Transports::read(cluster, build);
        let tcp = TcpOptions::read(cluster);
        let transports = transports?;
        if http.protocol == Protocol::Auto && !transports.any_tls() {
            cluster.defect("transport_socket", "auto_config needs a transport socket with ALPN");
        }
        Some(Self {
            connect_timeout,
            http,
            tcp_idle,
            tcp: tcp?,
            transports,
            exclusive: cluster.flag("connection_pool_per_downstream_connection"),
            stats: PoolStats::new(&build.scope),
            workers: build.services.workers.count().max(1),
            services: Arc::downgrade(&build.services),
        })
    }
}

impl Upstream {
    /// Whether some hosts are reached over TLS.
    pub fn is_tls(&self) -> bool {
        self.transports.any_tls()
    }

    /// Whether the cluster's metadata go along to listeners inside the proxy.
    pub(in crate::cluster) fn passes_metadata(&self) -> bool {
        self.transports.passes_cluster()
    }
}

/// Reads `typed_extension_protocol_options`: options of HTTP, and the idle timeout of TCP.
fn read_typed(cluster: &Reader<'_>) -> Option<(Option<HttpOptions>, Option<Duration>)> {
    let (mut http, mut idle) = (None, None);
    for (_, options) in cluster.map("typed_extension_protocol_options") {
        let (name, options) = options.open()?;
        match name.as_str() {
            http_options::TYPE => http = Some(HttpOptions::read(&options)?),
            "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions" => idle = options.duration("idle_timeout"),
            _ => options.defect("", format!("the proxy does not have the protocol options {name}")),
        }
    }
    Some((http, idle))
}

impl TcpOptions {
    fn read(cluster: &Reader<'_>) -> Option<Self> {
        let mut tcp = Self::default();
        if let Some(connection) = cluster.message("upstream_connection_options") {
            // All addresses of a host are tried in their order.
            connection.ignore(&["happy_eyeballs_config"]);
            tcp.keepalive = connection.message("tcp_keepalive").map(|keepalive| Keepalive::read(&keepalive));
        }
        let Some(bind) = cluster.message("upstream_bind_config") else { return Some(tcp) };
        tcp.freebind = bind.flag("freebind");
        tcp.options = SocketOption::read_all(&bind.list("socket_options"))?;
        let first = bind.message("source_address");
        let mut sources: Vec<_> = first.into_iter().collect();
        sources.extend(bind.list("additional_source_addresses"));
        for extra in bind.list("extra_source_addresses") {
            sources.extend(extra.need("address"));
        }
        for source in sources {
            let address = read_source(&source)?;
            // One for each family: the first.
            if !tcp.bind.iter().any(|other| other.is_ipv4() == address.is_ipv4()) {
                tcp.bind.push(address);
            }
        }
        Some(tcp)
    }
}

/// Reads `envoy.config.core.v3.SocketAddress` of a source.
fn read_source(reader: &Reader<'_>) -> Option<SocketAddr> {
    reader.ignore(&["protocol", "ipv4_compat"]); // Both families of TCP are told by the address.
    let ip = reader.need_text("address")?.parse();
    let port = u16::try_from(reader.u32("port_value").unwrap_or(0));
    match (ip, port) {
        (Ok(ip), Ok(port)) => Some(SocketAddr::new(ip, port)),
        _ => {
            reader.defect("", "is no address of this machine");
            None
        }
    }
}

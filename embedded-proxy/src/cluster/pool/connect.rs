//! Making a connection: TCP, PROXY protocol, then the handshake of the transport socket, within the connect timeout.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use crate::cluster::{Host, Permit, UpstreamError, UpstreamErrorKind};
use crate::http::Version;
use crate::listener::Brought;
use crate::net::{Address, Counted, Io, SocketState, set_freebind, set_options, system_path};
use crate::tls::Target;

use super::cx::Cx;
use super::key::Key;
use super::transport::Transport;
use super::upstream::TcpOptions;
use super::{ConnectFacts, Upstream};

/// A connection that is open, and the guard that counts it.
pub(super) struct Opened {
    pub io: Counted,
    pub cx: Cx,
}

/// Connects to a host. The connection counts as open from here to the end of its guard, whatever comes of it.
pub(super) async fn open(
    upstream: &Arc<Upstream>,
    host: &Arc<Host>,
    key: &Key,
    permit: Permit,
) -> Result<Opened, UpstreamError> {
    let stats = &upstream.stats;
    let mut cx = Cx::new(upstream, host, permit);
    let started = Instant::now();
    let failure = match timeout(upstream.connect_timeout, dial(upstream, host, key)).await {
        Ok(Ok((io, facts))) => {
            stats.cx_connect_ms.record(started.elapsed().as_secs_f64() * 1000.0);
            let (rx, tx) = (stats.cx_rx_bytes_total.clone(), stats.cx_tx_bytes_total.clone());
            let counted = Counted::new(io, rx, tx, cx.remote.clone());
            cx.connected(facts);
            return Ok(Opened { io: counted, cx });
        }
        Ok(Err(detail)) => UpstreamError::unsent(UpstreamErrorKind::ConnectFailure, detail),
        Err(_) => {
            stats.cx_connect_timeout.inc();
            UpstreamError::unsent(UpstreamErrorKind::ConnectTimeout, "")
        }
    };
    stats.cx_connect_fail.inc();
    host.stats.cx_connect_fail.fetch_add(1, Ordering::Relaxed);
    Err(failure)
}

/// Connects to a host without counting; the caller limits the time.
pub(super) async fn uncounted(upstream: &Upstream, host: &Host, key: &Key) -> Result<Io, String> {
    dial(upstream, host, key).await.map(|(io, _)| io)
}

async fn dial(upstream: &Upstream, host: &Host, key: &Key) -> Result<(Io, ConnectFacts), String> {
    let transport = upstream.transports.choose(host);
    let mut io = connect_any(upstream, host, transport, key).await?;
    let local = io.local();
    let Transport { connector, header, .. } = transport;
    if let Some(header) = header {
        let bytes = match key.proxied {
            Some((source, destination)) => header.encode(source, destination),
            None => header.local(local.zip(io.peer())),
        };
        io.write_all(&bytes).await.map_err(|error| reason(&error))?;
    }
    let alpn: Option<Vec<&str>> = key.alpn.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let target = Target {
        sni: key.sni.as_deref(),
        san: key.san.as_deref(),
        hostname: host.hostname.as_deref(),
        alpn: alpn.as_deref(),
        alpn_fallback: offered(key),
    };
    let (io, tls) = connector.connect(io, &target).await?;
    Ok((io, ConnectFacts { local, tls, protocol: None }))
}

/// The protocols to offer when nothing is configured.
fn offered(key: &Key) -> &'static [&'static str] {
    match key.version {
        _ if !key.http => &[],
        Some(Version::Http2) => &["h2"],
        Some(Version::Http10 | Version::Http11) => &["http/1.1"],
        None => &["h2", "http/1.1"],
    }
}

/// Tries the addresses of a host one after the other; the first failure is told.
async fn connect_any(upstream: &Upstream, host: &Host, transport: &Transport, key: &Key) -> Result<Io, String> {
    let mut first = None;
    for address in std::iter::once(&host.address).chain(&host.additional) {
        let connected = match address {
            Address::Ip(address) => connect_tcp(&upstream.tcp, *address).await.map(|tcp| Io::Tcp(tcp.into())),
            Address::Pipe(path) => UnixStream::connect(system_path(path)).await.map(Io::Unix),
            Address::Internal { listener, endpoint } => {
                match inside(upstream, host, transport, key, (listener, endpoint)) {
                    Some(io) => return Ok(io),
                    None => {
                        // Envoy's words for it.
                        first = first
                            .or(Some(format!("immediate connect error: Invalid argument|remote address:{address}")));
                        continue;
                    }
                }
            }
        };
        match connected {
            Ok(io) => return Ok(io),
            Err(error) => first = first.or(Some(reason(&error))),
        }
    }
    Err(first.unwrap_or_default())
}

/// Connects to a listener inside the proxy; none: it does not serve.
fn inside(
    upstream: &Upstream,
    host: &Host,
    transport: &Transport,
    key: &Key,
    (listener, endpoint): (&Arc<str>, &Arc<str>),
) -> Option<Io> {
    let services = upstream.services.upgrade()?;
    let brought = transport
        .internal
        .as_ref()
        .map(|internal| Brought { metadata: internal.metadata(host), state: key.passed.clone().unwrap_or_default() });
    services.listeners.connect(listener, endpoint, brought.unwrap_or_default(), &services)
}

async fn connect_tcp(options: &TcpOptions, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    let at = SockRef::from(&socket);
    socket.set_nodelay(true)?;
    if let Some(keepalive) = &options.keepalive {
        keepalive.set(&at)?;
    }
    set_options(&at, &options.options, SocketState::Prebind)?;
    if let Some(source) = options.bind.iter().find(|source| source.is_ipv4() == address.is_ipv4()) {
        if options.freebind {
            set_freebind(&at, true)?;
        }
        socket.bind(*source)?;
        set_options(&at, &options.options, SocketState::Bound)?;
    }
    socket.connect(address).await
}

/// Why connecting failed, in Envoy's words.
fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("delayed connect error: {}", Errno::from_raw(number).desc()),
        None => format!("delayed connect error: {error}"),
    }
}

//! Making a connection: TCP, then the handshake of the transport socket, within the connect timeout.

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cluster::{Host, UpstreamError, UpstreamErrorKind};
use crate::net::Io;
use crate::tls::Target;

use super::{ConnectFacts, SendOptions, Upstream};

/// Connects to a host.
pub(super) async fn open(
    upstream: &Upstream,
    host: &Host,
    options: &SendOptions<'_>,
) -> Result<(Io, ConnectFacts), UpstreamError> {
    match timeout(upstream.connect_timeout, dial(upstream, host, options)).await {
        Ok(opened) => opened,
        Err(_) => Err(UpstreamError::unsent(UpstreamErrorKind::ConnectTimeout, "connection_timeout")),
    }
}

async fn dial(
    upstream: &Upstream,
    host: &Host,
    options: &SendOptions<'_>,
) -> Result<(Io, ConnectFacts), UpstreamError> {
    let failed = |detail: String| UpstreamError::unsent(UpstreamErrorKind::ConnectFailure, detail);
    let tcp = TcpStream::connect(host.address).await.map_err(|error| failed(error.to_string()))?;
    tcp.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let local = tcp.local_addr().ok();
    let alpn: Option<Vec<&str>> = options.alpn.map(|names| names.iter().map(String::as_str).collect());
    let target = Target { hostname: host.hostname.as_deref(), alpn: alpn.as_deref(), ..Target::default() };
    let (io, tls) = upstream.transport.connect(Io::Tcp(tcp), &target).await.map_err(failed)?;
    Ok((io, ConnectFacts { local, tls, protocol: None }))
}

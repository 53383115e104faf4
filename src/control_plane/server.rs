//! The listeners of the control plane.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::ads::{Ads, AdsService, Peer};

/// An idle connection is asked for a sign of life so often.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is not loopback, and nothing there proves who calls.
    #[error("{0} is not a loopback address: without TLS anybody who reaches it could be any proxy")]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
}

/// Opens a listener without TLS; only loopback addresses are taken.
pub async fn bind_plain(address: SocketAddr) -> Result<TcpListener, ListenError> {
    if !address.ip().is_loopback() {
        return Err(ListenError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|error| ListenError::Bind(address, error))
}

/// Serves the discovery service on a listener without TLS, until the future is dropped.
pub async fn serve_plain(listener: TcpListener, ads: Arc<Ads>) -> io::Result<()> {
    let incoming = TcpListenerStream::new(listener).map(|stream| {
        let stream = stream?;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(Plain(stream))
    });
    let served = builder().add_service(AdsService(ads)).serve_with_incoming(incoming).await;
    served.map_err(io::Error::other)
}

pub(super) fn builder() -> Server {
    Server::builder().http2_keepalive_interval(Some(KEEPALIVE)).http2_keepalive_timeout(Some(KEEPALIVE))
}

/// A connection without TLS.
struct Plain(TcpStream);

impl Connected for Plain {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer { address: self.0.peer_addr().ok(), proven: None, must_prove: false }
    }
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

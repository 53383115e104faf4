//! The listeners of the control plane.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::transport::server::Router;

use super::ads::{Ads, AdsService, Peer};
use super::ca::{Ca, CaService};
use super::tls;
use crate::ir::Identity;

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

/// Serves discovery and certificates on a listener without TLS, until the future is dropped. Certificates need a token there.
pub async fn serve_plain(listener: TcpListener, ads: Arc<Ads>, ca: Option<Arc<Ca>>) -> io::Result<()> {
    let incoming = TcpListenerStream::new(listener).map(|stream| {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let peer = Peer { address: stream.peer_addr().ok(), proven: None, must_prove: false };
        Ok::<_, io::Error>(Connection { stream, peer })
    });
    router(ads, ca).serve_with_incoming(incoming).await.map_err(io::Error::other)
}

/// Serves discovery and certificates on a listener with TLS, until the future is dropped. `names` are those of the server.
pub async fn serve_tls(
    listener: TcpListener,
    ads: Arc<Ads>,
    ca: Arc<Ca>,
    names: Vec<String>,
    own: Identity,
) -> io::Result<()> {
    let incoming = ReceiverStream::new(tls::accept(listener, Arc::clone(&ca), names, own));
    let incoming =
        incoming.map(|secured| secured.map(|secured| Connection { stream: secured.stream, peer: secured.peer }));
    router(ads, Some(ca)).serve_with_incoming(incoming).await.map_err(io::Error::other)
}

fn router(ads: Arc<Ads>, ca: Option<Arc<Ca>>) -> Router {
    let mut server =
        Server::builder().http2_keepalive_interval(Some(KEEPALIVE)).http2_keepalive_timeout(Some(KEEPALIVE));
    let router = server.add_service(AdsService(ads, ca.clone()));
    match ca {
        Some(ca) => router.add_service(CaService(ca)),
        None => router,
    }
}

/// A connection, and who is at its other end.
struct Connection<S> {
    stream: S,
    peer: Peer,
}

impl<S> Connected for Connection<S> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

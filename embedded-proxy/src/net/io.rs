//! A connection's bytes: TCP, a unix socket, TLS over one of them, or something in memory. One type, so that codecs are compiled once.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

use super::{Counted, Tcp};
use crate::http::Tunnel;

/// A byte stream. `read` and `write` belong to one task.
#[derive(Debug)]
pub enum Io {
    /// TCP.
    Tcp(Tcp),
    /// A unix socket.
    Unix(UnixStream),
    /// TLS over TCP (or over a stream with peeked bytes put back).
    Tls(Box<TlsStream<Io>>),
    /// Peeked bytes that are read again before the rest.
    Replay(bytes::Bytes, Box<Io>),
    /// A connection whose bytes are counted.
    Counted(Box<Counted>),
    /// In memory: to a listener inside the proxy, and in tests.
    Memory(DuplexStream),
    /// The bodies of an HTTP exchange.
    Tunnel(Box<Tunnel>),
}

impl Io {
    /// Puts bytes that were already read back in front.
    pub fn replay(bytes: bytes::Bytes, io: Self) -> Self {
        if bytes.is_empty() { io } else { Self::Replay(bytes, Box::new(io)) }
    }

    /// The TCP connection at the bottom, if it is one.
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(&tcp.stream),
            Self::Tls(tls) => tls.get_ref().0.tcp(),
            Self::Replay(_, io) => io.tcp(),
            Self::Counted(counted) => counted.io.tcp(),
            Self::Unix(_) | Self::Memory(_) | Self::Tunnel(_) => None,
        }
    }

    /// The TCP connection when nothing of ours holds bytes back in front of it: it is readable exactly when this is.
    pub fn plain(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => tcp.noted(),
            Self::Replay(bytes, io) if bytes.is_empty() => io.plain(),
            Self::Counted(counted) => counted.io.plain(),
            Self::Replay(..) | Self::Unix(_) | Self::Tls(_) | Self::Memory(_) | Self::Tunnel(_) => None,
        }
    }

    /// Ready when the peer has ended its side or the connection broke, even while bytes from before wait to be read. For the
    /// task that reads, at times when it does not. Only of TCP it shows.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(tcp) => tcp.poll_closed(cx),
            Self::Tls(tls) => tls.get_mut().0.poll_closed(cx),
            Self::Replay(_, io) => io.poll_closed(cx),
            Self::Counted(counted) => counted.poll_closed(cx),
            Self::Unix(_) | Self::Memory(_) | Self::Tunnel(_) => Poll::Pending,
        }
    }

    /// Our address on the connection.
    pub fn local(&self) -> Option<SocketAddr> {
        self.tcp()?.local_addr().ok()
    }

    /// The peer's address on the connection.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.tcp()?.peer_addr().ok()
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => tcp.poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Self::Replay(bytes, io) => {
                if bytes.is_empty() {
                    return Pin::new(io.as_mut()).poll_read(cx, buf);
                }
                let taken = bytes.split_to(bytes.len().min(buf.remaining()));
                buf.put_slice(&taken);
                Poll::Ready(Ok(()))
            }
            Self::Counted(counted) => counted.poll_read(cx, buf),
            Self::Memory(memory) => Pin::new(memory).poll_read(cx, buf),
            Self::Tunnel(tunnel) => tunnel.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(&mut tcp.stream).poll_write(cx, bytes),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            Self::Replay(_, io) => Pin::new(io.as_mut()).poll_write(cx, bytes),
            Self::Counted(counted) => counted.poll_write(cx, bytes),
            Self::Memory(memory) => Pin::new(memory).poll_write(cx, bytes),
            Self::Tunnel(tunnel) => tunnel.poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(&mut tcp.stream).poll_write_vectored(cx, slices),
            Self::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
            Self::Replay(_, io) => Pin::new(io.as_mut()).poll_write_vectored(cx, slices),
            Self::Counted(counted) => counted.poll_write_vectored(cx, slices),
            Self::Memory(memory) => Pin::new(memory).poll_write_vectored(cx, slices),
            Self::Tunnel(tunnel) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                tunnel.poll_write(cx, first.map_or(&[][..], |slice| slice))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Unix(_) => true,
            Self::Tls(tls) => tls.is_write_vectored(),
            Self::Replay(_, io) => io.is_write_vectored(),
            Self::Counted(counted) => counted.io.is_write_vectored(),
            Self::Memory(_) | Self::Tunnel(_) => false,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(&mut tcp.stream).poll_flush(cx),
            Self::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Self::Replay(_, io) => Pin::new(io.as_mut()).poll_flush(cx),
            Self::Counted(counted) => Pin::new(&mut counted.io).poll_flush(cx),
            Self::Memory(memory) => Pin::new(memory).poll_flush(cx),
            Self::Tunnel(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(&mut tcp.stream).poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Self::Replay(_, io) => Pin::new(io.as_mut()).poll_shutdown(cx),
            Self::Counted(counted) => Pin::new(&mut counted.io).poll_shutdown(cx),
            Self::Memory(memory) => Pin::new(memory).poll_shutdown(cx),
            Self::Tunnel(tunnel) => {
                tunnel.end();
                Poll::Ready(Ok(()))
            }
        }
    }
}

//! The sockets of a listener, bound and accepting.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UnixListener};

use super::pipe::Pipe;
use crate::net::{Address, Io};

/// A bound socket that no runtime has yet.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// Unix.
    Unix(std::os::unix::net::UnixListener),
}

/// One address, bound.
#[derive(Debug)]
pub struct Opened {
    /// The address, with the port that the system gave for port 0.
    pub address: Address,
    /// A socket for each worker.
    pub sockets: Vec<Socket>,
    /// The file of a unix socket: it goes with the listener.
    pub pipe: Option<Pipe>,
}

/// A socket that accepts on a runtime.
#[derive(Debug)]
pub enum Acceptor {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    Unix(UnixListener),
}

impl Acceptor {
    /// Gives a socket to the runtime of this thread.
    pub fn new(socket: Socket) -> io::Result<Self> {
        match socket {
            Socket::Tcp(socket) => TcpListener::from_std(socket).map(Self::Tcp),
            Socket::Unix(socket) => UnixListener::from_std(socket).map(Self::Unix),
        }
    }

    /// The next connection and, for TCP, its peer.
    pub async fn accept(&self) -> io::Result<(Io, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(tcp, peer)| (Io::Tcp(tcp.into()), Some(peer))),
            Self::Unix(listener) => listener.accept().await.map(|(unix, _)| (Io::Unix(unix), None)),
        }
    }
}

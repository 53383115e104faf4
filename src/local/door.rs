//! A door to a gateway: a port of this machine that leads to a port of the gateway.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// An open door. It closes when this is dropped, connections included.
#[derive(Debug)]
pub struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// The port of the gateway behind it.
    pub port: u16,
    task: AbortHandle,
}

impl Door {
    /// Opens one on a port that the system picks.
    pub fn open(gateway: SocketAddr) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, gateway)).abort_handle();
        Ok(Self { address, port: gateway.port(), task })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, gateway: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((mut outer, _)) = accepted {
                    connections.spawn(async move {
                        if let Ok(mut inner) = TcpStream::connect(gateway).await {
                            let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                        }
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

//! Sample applications: what answers behind the proxies of a local mesh.

mod http;
mod knobs;
mod tcp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::AbortHandle;

use super::behaviour::Behaviour;
use super::pod::{Pod, Speaks};
use super::world::World;

/// A running application. It ends when this is dropped, connections included.
#[derive(Debug)]
pub struct App {
    tasks: Vec<AbortHandle>,
}

/// What one application's connections share.
#[derive(Debug)]
struct Shared {
    pod: Arc<Pod>,
    behaviour: Behaviour,
    world: Arc<World>,
    /// Requests so far, for failures by share.
    requests: AtomicU64,
    failing: knobs::Failing,
}

impl App {
    /// Listens on all ports of a pod. A port that is taken is told, the others listen.
    pub fn start(pod: &Arc<Pod>, behaviour: Behaviour, world: Arc<World>) -> (Self, Vec<String>) {
        let shared = Arc::new(Shared {
            pod: Arc::clone(pod),
            behaviour,
            world,
            requests: AtomicU64::new(0),
            failing: knobs::Failing::default(),
        });
        let (mut tasks, mut problems) = (Vec::new(), Vec::new());
        for (port, speaks) in &pod.ports {
            let at = SocketAddr::new(pod.process.into(), *port);
            match bind(at) {
                Ok(listener) => {
                    let serve = serve(listener, *speaks, Arc::clone(&shared));
                    tasks.push(tokio::spawn(serve).abort_handle());
                }
                Err(error) => problems.push(format!("{}: cannot listen on {at}: {error}", pod.workload.key)),
            }
        }
        (Self { tasks }, problems)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(1024)
}

async fn serve(listener: TcpListener, speaks: Speaks, shared: Arc<Shared>) {
    // Dropped with this task, and all connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let shared = Arc::clone(&shared);
                    match speaks {
                        Speaks::Http => { connections.spawn(http::serve(stream, shared)); }
                        Speaks::Bytes { greets } => { connections.spawn(tcp::serve(stream, greets, shared)); }
                    }
                }
                // Out of descriptors: others have to close some first.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

//! The control socket: one JSON document of each side and connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::{Request, send};
use super::message::{Ask, Call, Outcome, Reply};
use super::run::Local;
use super::{state, status};

/// Longest document.
const DOCUMENT: u64 = 8 << 20;
/// How many requests of one call are under way at once.
const AT_ONCE: usize = 8;
/// Most requests of one call.
const MOST: u32 = 100_000;
/// How long a status is waited for, and between two looks.
const UNTIL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(50));

/// Answers until it is dropped. That the mesh is to end is told to `stop`.
pub async fn serve(listener: UnixListener, local: Arc<Local>, stop: UnboundedSender<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(one(stream, Arc::clone(&local), stop.clone()));
                }
                Err(_) => tokio::time::sleep(UNTIL.1).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn one(mut stream: UnixStream, local: Arc<Local>, stop: UnboundedSender<()>) {
    let mut text = Vec::new();
    if (&mut stream).take(DOCUMENT).read_to_end(&mut text).await.is_err() {
        return;
    }
    let reply = match serde_json::from_slice(&text) {
        Ok(ask) => answer(&local, ask, &stop).await,
        Err(error) => Reply::Refused(format!("this is not understood: {error}")),
    };
    let text = serde_json::to_vec(&reply).unwrap_or_default();
    let _ = stream.write_all(&text).await;
    let _ = stream.shutdown().await;
}

async fn answer(local: &Local, ask: Ask, stop: &UnboundedSender<()>) -> Reply {
    match ask {
        Ask::Call(call) => match self::call(local, &call).await {
            Ok(outcomes) => Reply::Outcomes(outcomes),
            Err(reason) => Reply::Refused(reason),
        },
        Ask::Status => Reply::Status(status::of(local)),
        Ask::Traffic { reset } => {
            let edges = local.world.traffic.edges();
            if reset {
                local.world.traffic.reset();
            }
            Reply::Traffic(edges)
        }
        Ask::Stop => {
            let _ = stop.send(());
            Reply::Stopping
        }
    }
}

/// Sends the requests of a call.
pub async fn call(local: &Local, call: &Call) -> Result<Vec<Outcome>, String> {
    let pod = local.find(&call.from)?;
    let request = Request {
        url: call.url.clone(),
        method: call.method.clone(),
        headers: call.headers.clone(),
        body: call.body.clone(),
    };
    if let Some(status) = call.until {
        let end = Instant::now() + UNTIL.0;
        loop {
            let outcome = send(&local.world, &pod, &request).await;
            if outcome.status == Some(status) || Instant::now() >= end {
                return Ok(vec![outcome]);
            }
            tokio::time::sleep(UNTIL.1).await;
        }
    }
    let all = futures_util::stream::iter(0..call.count.clamp(1, MOST)).map(|_| send(&local.world, &pod, &request));
    Ok(all.buffered(AT_ONCE).collect().await)
}

/// Asks the mesh of a state directory.
pub async fn ask(directory: &Path, ask: &Ask) -> Result<Reply, AskError> {
    let mut stream =
        UnixStream::connect(state::socket(directory)).await.map_err(|_| AskError::Absent(directory.into()))?;
    let text = serde_json::to_vec(ask).unwrap_or_default();
    stream.write_all(&text).await?;
    stream.shutdown().await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(serde_json::from_slice(&reply)?)
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no local mesh runs with the state directory {0}")]
    Absent(std::path::PathBuf),
    /// It ended meanwhile.
    #[error("the local mesh broke the connection")]
    Broken(#[from] std::io::Error),
    /// Another version.
    #[error("the local mesh answered something else")]
    Strange(#[from] serde_json::Error),
}

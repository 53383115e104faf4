//! The streams that are open now, for people who ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::Session;
use crate::control_plane::engine::Served;
use crate::ir::Identity;

/// One open stream.
#[derive(Debug)]
pub struct Stream {
    /// Its number.
    pub number: u64,
    /// Where it comes from.
    pub peer: Option<SocketAddr>,
    /// The identity that is proven.
    pub proven: Option<Identity>,
    /// When it began.
    pub since: SystemTime,
    /// What was said on it.
    pub session: Mutex<Session>,
    /// What the proxy is to have.
    pub served: Mutex<Arc<Served>>,
}

/// All open streams.
#[derive(Debug, Default)]
pub struct Registry {
    streams: Mutex<(u64, BTreeMap<u64, Arc<Stream>>)>,
}

/// Takes the stream from the list when it is dropped.
#[derive(Debug)]
pub struct Listed {
    /// The stream.
    pub stream: Arc<Stream>,
    registry: Arc<Registry>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.registry.streams.lock().1.remove(&self.stream.number);
    }
}

impl Registry {
    /// Adds a stream that begins.
    pub fn open(
        self: &Arc<Self>,
        peer: Option<SocketAddr>,
        proven: Option<Identity>,
        session: Session,
        served: Arc<Served>,
    ) -> Listed {
        let mut streams = self.streams.lock();
        streams.0 += 1;
        let number = streams.0;
        let since = SystemTime::now();
        let stream =
            Arc::new(Stream { number, peer, proven, since, session: Mutex::new(session), served: Mutex::new(served) });
        streams.1.insert(number, Arc::clone(&stream));
        Listed { stream, registry: Arc::clone(self) }
    }

    /// The streams in the order in which they began.
    pub fn all(&self) -> Vec<Arc<Stream>> {
        self.streams.lock().1.values().cloned().collect()
    }
}

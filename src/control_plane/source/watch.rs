//! Tells when something below some paths changes: at once where the system says so, by looking from time to time otherwise.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Guard;

/// A file is read when nothing has happened for so long: writers write in pieces.
const QUIET: Duration = Duration::from_millis(10);
/// Or when so long has passed since the first event.
const LONGEST: Duration = Duration::from_millis(100);
/// Time between two looks without an event, for file systems that tell nothing.
const SELDOM: Duration = Duration::from_secs(30);
/// The same where the system does not watch.
const OFTEN: Duration = Duration::from_secs(1);

enum Event {
    Changed,
    Stop,
}

/// A watch that has begun.
pub struct Watch {
    paths: Vec<PathBuf>,
    events: Receiver<Event>,
    stop: Sender<Event>,
    watcher: Option<RecommendedWatcher>,
}

/// Ends the watch when it is dropped.
struct Stop(Sender<Event>);

impl Drop for Stop {
    fn drop(&mut self) {
        // A thread that has ended does not listen any more.
        let _ = self.0.send(Event::Stop);
    }
}

impl Watch {
    /// Begins to watch.
    pub fn new(paths: &[PathBuf]) -> Self {
        let (stop, events) = channel();
        let watcher = watcher(paths, stop.clone());
        Self { paths: paths.to_vec(), events, stop, watcher }
    }

    /// Calls `changed` on a thread of its own after each change, until it says no or the guard is dropped.
    pub fn run(mut self, mut changed: impl FnMut() -> bool + Send + 'static) -> Guard {
        let guard = Stop(self.stop.clone());
        std::thread::spawn(move || {
            while self.wait() {
                if !changed() {
                    return;
                }
                if self.watcher.is_none() {
                    self.watcher = watcher(&self.paths, self.stop.clone());
                }
            }
        });
        Box::new(guard)
    }

    /// Waits for a change and then for quiet; false when it is over.
    fn wait(&mut self) -> bool {
        let pause = if self.watcher.is_some() { SELDOM } else { OFTEN };
        match self.events.recv_timeout(pause) {
            Ok(Event::Changed) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
        }
        let first = Instant::now();
        while first.elapsed() < LONGEST {
            match self.events.recv_timeout(QUIET) {
                Ok(Event::Changed) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }
}

/// The system's watcher, when it has one for all of the paths.
fn watcher(paths: &[PathBuf], events: Sender<Event>) -> Option<RecommendedWatcher> {
    let told = move |event: notify::Result<notify::Event>| {
        // Reading changes nothing.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = events.send(Event::Changed);
        }
    };
    let attempt = || {
        let mut watcher = notify::recommended_watcher(told)?;
        for path in paths {
            watcher.watch(&watched(path), RecursiveMode::Recursive)?;
        }
        Ok::<_, notify::Error>(watcher)
    };
    match attempt() {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(target: "meshctl::source", "changes are looked for every second: {error}");
            None
        }
    }
}

/// A file is watched through its directory: editors replace files by others.
fn watched(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_path_buf();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

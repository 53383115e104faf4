//! Files and standard streams that logs go to. Lines are handed to a thread: writing never holds up a request.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::telemetry::stats::{Counter, Gauge, Scope};

/// Lines wait this long for others, so that one write takes many.
const DELAY: Duration = Duration::from_millis(100);
/// So many bytes are written at once without waiting.
const ENOUGH: usize = 64 * 1024;
/// More bytes than this do not wait: a reader that is too slow loses lines, not memory.
const LIMIT: usize = 4 * 1024 * 1024;

/// All files that logs go to: two logs of one path share its writer.
#[derive(Debug, Default)]
pub struct Files(Mutex<BTreeMap<String, Weak<Writer>>>);

impl Files {
    /// The writer of a path. `/dev/stdout` and `/dev/stderr` are the streams of the process, whatever they are.
    pub fn open(&self, path: &str, scope: &Scope) -> io::Result<Arc<Writer>> {
        let mut files = self.0.lock();
        if let Some(writer) = files.get(path).and_then(Weak::upgrade) {
            return Ok(writer);
        }
        let writer = Arc::new(Writer::start(path, scope)?);
        files.insert(path.to_string(), Arc::downgrade(&writer));
        Ok(writer)
    }

    /// Opens all files again: after they were moved away (`/reopen_logs`).
    pub fn reopen(&self) {
        self.each(|writer| writer.shared.state.lock().reopen = true);
    }

    /// Writes what waits, for at most `patience`: before the process ends.
    pub fn flush(&self, patience: Duration) {
        self.each(|writer| writer.flush(patience));
    }

    fn each(&self, act: impl Fn(&Writer)) {
        let writers: Vec<Arc<Writer>> = self.0.lock().values().filter_map(Weak::upgrade).collect();
        for writer in writers {
            act(&writer);
        }
    }
}

/// Takes lines for one file. Its thread ends with it.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: String,
    state: Mutex<State>,
    wake: Condvar,
    written: Condvar,
    stats: FileStats,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    writing: bool,
    hurry: bool,
    reopen: bool,
    closed: bool,
}

/// Envoy's names under `filesystem.`, and how many lines were lost.
#[derive(Debug)]
struct FileStats {
    buffered: Arc<Counter>,
    completed: Arc<Counter>,
    failed: Arc<Counter>,
    timer: Arc<Counter>,
    reopen_failed: Arc<Counter>,
    waiting: Arc<Gauge>,
    dropped: Arc<Counter>,
}

impl FileStats {
    fn new(scope: &Scope) -> Self {
        let scope = scope.sub("filesystem");
        Self {
            buffered: scope.counter("write_buffered"),
            completed: scope.counter("write_completed"),
            failed: scope.counter("write_failed"),
            timer: scope.counter("flushed_by_timer"),
            reopen_failed: scope.counter("reopen_failed"),
            waiting: scope.gauge("write_total_buffered"),
            dropped: scope.counter("write_dropped"),
        }
    }
}

impl Writer {
    fn start(path: &str, scope: &Scope) -> io::Result<Self> {
        let target = Target::open(path)?;
        let shared = Arc::new(Shared {
            path: path.to_string(),
            state: Mutex::default(),
            wake: Condvar::new(),
            written: Condvar::new(),
            stats: FileStats::new(scope),
        });
        let own = shared.clone();
        std::thread::Builder::new().name("access-log".into()).stack_size(128 * 1024).spawn(move || own.run(target))?;
        Ok(Self { shared })
    }

    /// Takes a line. It is dropped and counted when too much waits.
    pub fn write(&self, line: &str) {
        let mut state = self.shared.state.lock();
        let before = state.pending.len();
        if before + line.len() > LIMIT {
            drop(state);
            self.shared.stats.dropped.inc();
            return;
        }
        state.pending.extend_from_slice(line.as_bytes());
        drop(state);
        self.shared.stats.buffered.inc();
        if before == 0 || (before < ENOUGH && before + line.len() >= ENOUGH) {
            self.shared.wake.notify_one();
        }
    }

    fn flush(&self, patience: Duration) {
        let mut state = self.shared.state.lock();
        state.hurry = true;
        self.shared.wake.notify_one();
        while state.writing || !state.pending.is_empty() {
            if self.shared.written.wait_for(&mut state, patience).timed_out() {
                return;
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

impl Shared {
    /// The writing thread.
    fn run(&self, mut target: Target) {
        let mut lines = Vec::new();
        loop {
            let reopen = {
                let mut state = self.state.lock();
                while state.pending.is_empty() {
                    if state.closed {
                        return;
                    }
                    state.hurry = false;
                    self.wake.wait(&mut state);
                }
                if state.pending.len() < ENOUGH && !state.closed && !state.hurry {
                    self.stats.timer.inc();
                    self.wake.wait_for(&mut state, DELAY);
                }
                std::mem::swap(&mut lines, &mut state.pending);
                state.writing = true;
                std::mem::take(&mut state.reopen)
            };
            if reopen {
                match Target::open(&self.path) {
                    Ok(new) => target = new,
                    Err(_) => self.stats.reopen_failed.inc(),
                }
            }
            self.stats.waiting.set(i64::try_from(lines.len()).unwrap_or(i64::MAX));
            match target.write(&lines) {
                Ok(()) => self.stats.completed.inc(),
                Err(_) => self.stats.failed.inc(),
            }
            self.stats.waiting.set(0);
            lines.clear();
            // A burst does not keep its memory.
            lines.shrink_to(ENOUGH * 2);
            self.state.lock().writing = false;
            self.written.notify_all();
        }
    }
}

/// An open file or a stream of the process.
enum Target {
    Stdout,
    Stderr,
    File(File),
}

impl Target {
    fn open(path: &str) -> io::Result<Self> {
        Ok(match path {
            "/dev/stdout" => Self::Stdout,
            "/dev/stderr" => Self::Stderr,
            path => Self::File(OpenOptions::new().create(true).append(true).open(path)?),
        })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stream = io::stdout().lock();
                stream.write_all(lines)?;
                stream.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(lines),
            Self::File(file) => file.write_all(lines),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Stats;

    #[test]
    fn lines_reach_the_file_and_the_file_that_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let files = Files::default();
        let scope = Scope::root(&Stats::default());
        let writer = files.open(path.to_str().unwrap(), &scope).unwrap();
        assert!(Arc::ptr_eq(&writer, &files.open(path.to_str().unwrap(), &scope).unwrap()));
        writer.write("one\n");
        files.flush(Duration::from_secs(5));
        let moved = folder.path().join("moved");
        std::fs::rename(&path, &moved).unwrap();
        files.reopen();
        writer.write("two\n");
        files.flush(Duration::from_secs(5));
        assert_eq!(std::fs::read_to_string(moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "two\n");
        assert_eq!(scope.counter("filesystem.write_buffered").value(), 2);
    }

    #[test]
    fn lines_over_the_limit_are_dropped_and_counted() {
        let scope = Scope::root(&Stats::default());
        let shared = Arc::new(Shared {
            path: String::new(),
            state: Mutex::default(),
            wake: Condvar::new(),
            written: Condvar::new(),
            stats: FileStats::new(&scope),
        });
        let writer = Writer { shared };
        writer.write(&"x".repeat(LIMIT));
        writer.write("y");
        assert_eq!(scope.counter("filesystem.write_dropped").value(), 1);
        assert_eq!(writer.shared.state.lock().pending.len(), LIMIT);
    }

    #[test]
    fn a_path_that_cannot_be_opened_is_an_error() {
        assert!(Files::default().open("/nonexistent/log", &Scope::root(&Stats::default())).is_err());
    }
}

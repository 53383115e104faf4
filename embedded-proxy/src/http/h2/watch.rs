//! Streams on which nothing moves, found by one timer a connection.
//!
//! Streams note their progress at the connection's time, which is read once each time the connection is looked at. The
//! timer comes by often enough and wakes the streams that are late; nothing is armed for a single request.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The streams of a connection.
#[derive(Debug)]
pub(super) struct Watch {
    table: Mutex<Table>,
    /// A stream on which nothing moves.
    idle: Option<Duration>,
    /// A request that is not there as a whole.
    request: Option<Duration>,
}

#[derive(Debug)]
struct Table {
    now: Instant,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Entry {
    waker: Option<Waker>,
    begun: Instant,
    moved: Instant,
    progress: u64,
    late: Option<Late>,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// Nothing moved.
    Idle,
    /// The request is not there as a whole.
    Request,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Watched {
    watch: Arc<Watch>,
    index: usize,
}

impl Watch {
    /// Without limits nothing is ever late.
    pub fn new(idle: Option<Duration>, request: Option<Duration>, now: Instant) -> Arc<Self> {
        let table = Table { now, entries: Vec::new(), free: Vec::new() };
        Arc::new(Self { table: Mutex::new(table), idle, request })
    }

    /// How often to come by; none: never.
    pub fn period(&self) -> Option<Duration> {
        let shortest = [self.idle, self.request].into_iter().flatten().min()?;
        Some((shortest / 8).clamp(Duration::from_millis(5), Duration::from_secs(1)))
    }

    /// The time for what moves from here on.
    pub fn set_now(&self, now: Instant) {
        self.table.lock().now = now;
    }

    /// A stream that begins now.
    pub fn begin(self: &Arc<Self>) -> Watched {
        let table = &mut *self.table.lock();
        let now = table.now;
        let entry = Some(Entry { waker: None, begun: now, moved: now, progress: 0, late: None });
        let index = match table.free.pop() {
            Some(index) => {
                table.entries[index] = entry;
                index
            }
            None => {
                table.entries.push(entry);
                table.entries.len() - 1
            }
        };
        Watched { watch: self.clone(), index }
    }

    /// Wakes the streams that are late.
    pub fn come_by(&self, now: Instant) {
        let table = &mut *self.table.lock();
        table.now = now;
        for entry in table.entries.iter_mut().flatten() {
            entry.late = if self.request.is_some_and(|limit| entry.begun + limit <= now) {
                Some(Late::Request)
            } else if self.idle.is_some_and(|limit| entry.moved + limit <= now) {
                Some(Late::Idle)
            } else {
                continue;
            };
            if let Some(waker) = entry.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Watched {
    /// Notes how far the stream is; `progress` is any number that grows with it. What is late is told once the timer found
    /// out; asked each time the stream has to wait.
    pub fn waits(&self, progress: u64, cx: &Context<'_>) -> Option<Late> {
        let table = &mut *self.watch.table.lock();
        let now = table.now;
        let entry = table.entries.get_mut(self.index)?.as_mut()?;
        if entry.progress != progress {
            (entry.progress, entry.moved) = (progress, now);
            if entry.late == Some(Late::Idle) {
                entry.late = None;
            }
        }
        if !entry.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            entry.waker = Some(cx.waker().clone());
        }
        entry.late
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let table = &mut *self.watch.table.lock();
        if let Some(entry) = table.entries.get_mut(self.index) {
            *entry = None;
            table.free.push(self.index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(watched: &Watched, progress: u64) -> Option<Late> {
        watched.waits(progress, &Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_move_is_late() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let watch = Watch::new(Some(Duration::from_secs(8)), Some(Duration::from_mins(1)), start);
        assert_eq!(watch.period(), Some(Duration::from_secs(1)));
        let (quick, slow) = (watch.begin(), watch.begin());
        watch.set_now(at(5));
        assert_eq!((waits(&quick, 1), waits(&slow, 0)), (None, None));
        watch.come_by(at(8));
        assert_eq!((waits(&quick, 1), waits(&slow, 0)), (None, Some(Late::Idle)));
        assert_eq!(waits(&slow, 1), None, "it moved after all");
        watch.come_by(at(60));
        assert_eq!(waits(&quick, 9), Some(Late::Request));
        drop(quick);
        assert_eq!(waits(&watch.begin(), 0), None, "a new stream takes its place");
    }

    #[test]
    fn without_limits_nobody_comes_by() {
        assert_eq!(Watch::new(None, None, Instant::now()).period(), None);
    }
}

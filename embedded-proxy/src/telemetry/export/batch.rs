//! A bounded queue between requests and the task that sends what they recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::telemetry::stats::Counter;

/// More bytes than this do not wait: a collector that is too slow loses entries, not memory.
const LIMIT: usize = 4 * 1024 * 1024;

/// The side that records. When the last clone is gone the sender gets what is left, then ends.
#[derive(Debug, Clone)]
pub struct Batch<T>(Arc<Handle<T>>);

#[derive(Debug)]
struct Handle<T>(Arc<Queue<T>>);

/// The side that sends.
#[derive(Debug)]
pub struct Entries<T>(Arc<Queue<T>>);

#[derive(Debug)]
struct Queue<T> {
    waiting: Mutex<(Vec<T>, usize)>,
    wake: Notify,
    closed: AtomicBool,
    /// So many bytes are sent without waiting for more.
    enough: usize,
    /// Longest wait for more.
    interval: Duration,
    dropped: Arc<Counter>,
}

impl<T> Batch<T> {
    /// A queue whose entries are sent when `enough` bytes wait, or after `interval`. `dropped` counts entries for which
    /// there was no room.
    pub fn new(enough: usize, interval: Duration, dropped: Arc<Counter>) -> (Self, Entries<T>) {
        let queue = Arc::new(Queue {
            waiting: Mutex::new((Vec::new(), 0)),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
            enough,
            interval,
            dropped,
        });
        (Self(Arc::new(Handle(queue.clone()))), Entries(queue))
    }

    /// Adds an entry of about `size` bytes. Never waits.
    pub fn push(&self, entry: T, size: usize) {
        let queue = &self.0.0;
        let mut waiting = queue.waiting.lock();
        let before = waiting.1;
        if before + size > LIMIT {
            drop(waiting);
            queue.dropped.inc();
            return;
        }
        waiting.0.push(entry);
        waiting.1 += size;
        drop(waiting);
        if before == 0 || (before < queue.enough && before + size >= queue.enough) {
            queue.wake.notify_one();
        }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.wake.notify_one();
    }
}

impl<T> Entries<T> {
    /// The next entries to send, never empty. None: nobody records any more.
    pub async fn next(&mut self) -> Option<Vec<T>> {
        let queue = &self.0;
        while queue.waiting.lock().1 == 0 {
            if queue.closed.load(Ordering::Acquire) {
                return None;
            }
            queue.wake.notified().await;
        }
        let full = async {
            while queue.waiting.lock().1 < queue.enough && !queue.closed.load(Ordering::Acquire) {
                queue.wake.notified().await;
            }
        };
        let _ = tokio::time::timeout(queue.interval, full).await;
        let mut waiting = queue.waiting.lock();
        waiting.1 = 0;
        Some(std::mem::take(&mut waiting.0))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn batch() -> (Batch<u8>, Entries<u8>, Arc<Counter>) {
        let dropped = Arc::new(Counter::default());
        let (batch, entries) = Batch::new(100, Duration::from_secs(1), dropped.clone());
        (batch, entries, dropped)
    }

    #[tokio::test(start_paused = true)]
    async fn entries_wait_for_others_but_not_for_ever() {
        let (batch, mut entries, _) = batch();
        let began = Instant::now();
        batch.push(1, 10);
        batch.push(2, 10);
        assert_eq!(entries.next().await, Some(vec![1, 2]));
        assert_eq!(began.elapsed().as_secs(), 1);
        batch.push(3, 100);
        assert_eq!(entries.next().await, Some(vec![3]));
        assert_eq!(began.elapsed().as_secs(), 1, "enough does not wait");
        drop(batch);
        assert_eq!(entries.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_is_dropped_and_counted() {
        let (batch, mut entries, dropped) = batch();
        batch.push(1, LIMIT);
        batch.push(2, 1);
        assert_eq!(dropped.value(), 1);
        let clone = batch.clone();
        drop(batch);
        assert_eq!(entries.next().await, Some(vec![1]));
        drop(clone);
        assert_eq!(entries.next().await, None);
    }
}

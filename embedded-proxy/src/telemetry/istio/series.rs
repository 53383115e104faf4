//! The series of one configuration: one for each combination of labels that was seen, for as long as it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::telemetry::stats::{Counter, Histogram};

/// Most combinations for each worker: a client that invents host names costs no more than this.
const MOST: usize = 4096;

/// The metrics of one combination of labels. None: it is dropped, or the other protocol's.
#[derive(Debug, Default)]
pub struct Series {
    pub(super) labels: Box<[Box<str>]>,
    /// Seconds since the table began, when it was last written.
    pub(super) used: AtomicU64,
    /// Requests.
    pub requests: Option<Arc<Counter>>,
    /// Duration, milliseconds.
    pub duration: Option<Arc<Histogram>>,
    /// Bytes of requests.
    pub request_bytes: Option<Arc<Histogram>>,
    /// Bytes of responses.
    pub response_bytes: Option<Arc<Histogram>>,
    /// gRPC messages from the client.
    pub request_messages: Option<Arc<Counter>>,
    /// gRPC messages from the server.
    pub response_messages: Option<Arc<Counter>>,
    /// TCP connections opened.
    pub opened: Option<Arc<Counter>>,
    /// TCP connections closed.
    pub closed: Option<Arc<Counter>>,
    /// Bytes sent to clients over TCP.
    pub sent: Option<Arc<Counter>>,
    /// Bytes received from clients over TCP.
    pub received: Option<Arc<Counter>>,
}

/// The series of one worker by the hash of their labels.
type Shard = HashMap<u64, Arc<Series>>;

/// Series by their labels, apart for each worker so that workers do not wait for each other.
#[derive(Debug)]
pub struct Table {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    began: Instant,
    /// Series that were not kept because there were too many.
    overflow: Arc<Counter>,
}

impl Table {
    /// An empty table for so many workers.
    pub fn new(workers: usize, overflow: Arc<Counter>) -> Self {
        let shards = (0..workers.max(1)).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new(), began: Instant::now(), overflow }
    }

    /// The series of these labels. A new one is made by `make`; none: there are too many.
    pub fn find(&self, labels: &[Cow<'_, str>], make: impl FnOnce() -> Series) -> Option<Arc<Series>> {
        let key = self.hasher.hash_one(labels);
        let shard = &self.shards[crate::services::worker() % self.shards.len()];
        let now = self.began.elapsed().as_secs();
        let mut series = shard.lock();
        if let Some(known) = series.get(&key).filter(|known| known.is(labels)) {
            known.used.store(now, Ordering::Relaxed);
            return Some(known.clone());
        }
        if series.len() >= MOST {
            self.overflow.inc();
            return None;
        }
        let labels = labels.iter().map(|label| label.as_ref().into()).collect();
        let made = Arc::new(Series { labels, used: AtomicU64::new(now), ..make() });
        series.insert(key, made.clone());
        Some(made)
    }

    /// Forgets series that were not written for `idle`.
    pub fn forget(&self, idle: Duration) {
        let now = self.began.elapsed().as_secs();
        for shard in &self.shards {
            let keep =
                |series: &Series| now.saturating_sub(series.used.load(Ordering::Relaxed)) < idle.as_secs().max(1);
            let mut series = shard.lock();
            series.retain(|_, series| keep(series));
            series.shrink_to(64);
        }
    }
}

impl Series {
    fn is(&self, labels: &[Cow<'_, str>]) -> bool {
        self.labels.len() == labels.len() && self.labels.iter().zip(labels).all(|(own, label)| **own == **label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn series_are_shared_bounded_and_forgotten() {
        let table = Table::new(1, Arc::default());
        let series = |label: String| table.find(&[label.into()], Series::default);
        let first = series("a".into()).unwrap();
        assert!(Arc::ptr_eq(&first, &series("a".into()).unwrap()));
        (0..MOST + 10).for_each(|number| drop(series(number.to_string())));
        assert_eq!(table.overflow.value(), 11);
        tokio::time::advance(Duration::from_mins(1)).await;
        series("a".into());
        table.forget(Duration::from_mins(1));
        assert_eq!(table.shards[0].lock().len(), 1, "only what was written in time stays");
    }
}

//! `envoy.filters.network.connection_limit` and `envoy.filters.network.local_ratelimit`: how many connections, and how
//! many in a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{NetworkFilter, Session, Verdict};
use crate::proto::Reader;
use crate::ratelimit::TokenBucket;
use crate::services::Build;
use crate::telemetry::stats::{Counter, Gauge, Scope};

/// Whether a filter is on: the default of its runtime flag, which is on itself.
fn enabled(reader: &Reader<'_>) -> bool {
    let Some(flag) = reader.message("runtime_enabled") else { return true };
    // There are no runtime overrides.
    flag.ignore(&["runtime_key"]);
    flag.opt_flag("default_value").unwrap_or(true)
}

/// Connections of a filter chain at the same time.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    most: u64,
    delay: Option<Duration>,
    enabled: bool,
    there: Arc<AtomicU64>,
    limited: Arc<Counter>,
    active: Arc<Gauge>,
}

/// A connection's place, until it ends.
struct Held(Arc<AtomicU64>, Arc<Gauge>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        self.1.add(-1);
    }
}

impl ConnectionLimit {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let prefix = reader.need_text("stat_prefix")?;
        let Some(most) = reader.number("max_connections").filter(|most| *most > 0) else {
            reader.defect("max_connections", "must be at least 1");
            return None;
        };
        let scope =
            Scope::root(&build.services.stats).tagged("connection_limit", "envoy_connection_limit_prefix", &prefix);
        Some(Self {
            most,
            delay: reader.duration("delay"),
            enabled: enabled(reader),
            there: Arc::default(),
            limited: scope.counter("limited_connections"),
            active: scope.gauge("active_connections"),
        })
    }
}

impl NetworkFilter for ConnectionLimit {
    fn on_connection(&self, session: &mut Session) -> Verdict {
        if !self.enabled {
            return Verdict::Next;
        }
        let taken = self
            .there
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |there| (there < self.most).then_some(there + 1));
        if taken.is_err() {
            self.limited.inc();
            return Verdict::Close("connection_limit".into(), self.delay);
        }
        self.active.add(1);
        session.held.push(Box::new(Held(self.there.clone(), self.active.clone())));
        Verdict::Next
    }
}

/// New connections of a filter chain in a time.
#[derive(Debug)]
pub(super) struct LocalRateLimit {
    bucket: TokenBucket,
    enabled: bool,
    limited: Arc<Counter>,
}

impl LocalRateLimit {
    /// Reads the message. None: a defect was noted. `share_key` is not taken, which makes it a defect.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let prefix = reader.need_text("stat_prefix")?;
        let bucket = TokenBucket::read(&reader.need("token_bucket")?)?;
        let tag = "envoy_local_network_ratelimit_prefix";
        let scope = Scope::root(&build.services.stats).tagged("local_rate_limit", tag, &prefix);
        Some(Self { bucket, enabled: enabled(reader), limited: scope.counter("rate_limited") })
    }
}

impl NetworkFilter for LocalRateLimit {
    fn on_connection(&self, _session: &mut Session) -> Verdict {
        if !self.enabled || self.bucket.take(1) {
            return Verdict::Next;
        }
        self.limited.inc();
        Verdict::Close("local_ratelimit_close".into(), None)
    }
}

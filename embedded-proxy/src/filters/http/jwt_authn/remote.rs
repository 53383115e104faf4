//! Key sets that are fetched over a cluster and kept for a while.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Method;
use tokio::time::{Instant, sleep};

use super::keys::Keys;
use crate::filters::http::call::{Retries, Target};
use crate::http::{Body, Headers};
use crate::proto::Reader;
use crate::services::Services;
use crate::telemetry::stats::{Counter, Scope};

/// Largest key set, bytes.
const LIMIT: usize = 1024 * 1024;

/// `RemoteJwks`.
pub(super) struct Remote {
    target: Target,
    kept: Duration,
    retries: Option<Retries>,
    /// Wait after a failed fetch ahead of time; none: keys are fetched when a request needs them.
    ahead: Option<Duration>,
    keys: ArcSwapOption<(Keys, Instant)>,
    /// One fetch at a time; the others wait for its result.
    fetching: tokio::sync::Mutex<()>,
    good: Arc<Counter>,
    bad: Arc<Counter>,
}

impl Remote {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>, scope: &Scope) -> Option<Self> {
        let ahead = reader.message("async_fetch").map(|ahead| {
            // A listener never waits for keys here: a request that needs them does.
            ahead.ignore(&["fast_listener"]);
            ahead.duration("failed_refetch_duration").unwrap_or(Duration::from_secs(1))
        });
        Some(Self {
            target: Target::read(&reader.need("http_uri")?)?,
            kept: reader.duration("cache_duration").unwrap_or(Duration::from_mins(10)),
            retries: reader.message("retry_policy").map(|retries| Retries::read(&retries)),
            ahead,
            keys: ArcSwapOption::empty(),
            fetching: tokio::sync::Mutex::new(()),
            good: scope.counter("jwks_fetch_success"),
            bad: scope.counter("jwks_fetch_failed"),
        })
    }

    /// The keys, unless they are too old or were never fetched.
    pub(super) fn fresh(&self) -> Option<Arc<(Keys, Instant)>> {
        self.keys.load_full().filter(|keys| Instant::now() < keys.1)
    }

    /// Fetches the keys if they are not fresh. Whether there are some afterwards.
    pub(super) async fn fetch(&self, services: &Services) -> bool {
        let _one = self.fetching.lock().await;
        self.fresh().is_some() || self.load(services).await
    }

    async fn load(&self, services: &Services) -> bool {
        let mut tried = 0;
        loop {
            if let Some(keys) = self.once(services).await {
                self.keys.store(Some(Arc::new((keys, Instant::now() + self.kept))));
                self.good.inc();
                return true;
            }
            tried += 1;
            let Some(wait) = self.retries.as_ref().and_then(|retries| retries.wait(tried)) else { break };
            sleep(wait).await;
        }
        self.bad.inc();
        tracing::warn!(cluster = self.target.cluster, "a JWKS could not be fetched");
        false
    }

    async fn once(&self, services: &Services) -> Option<Keys> {
        let head = self.target.head(Method::GET, Headers::new());
        let (head, body) = self.target.call(services, head, Body::Empty, LIMIT).await.ok()?;
        (head.status == http::StatusCode::OK).then(|| Keys::parse(&body)).flatten()
    }

    /// Fetches ahead of time, five seconds before the keys get too old, for as long as the filter lives.
    pub(super) fn start(self: &Arc<Self>, services: &Arc<Services>) {
        let Some(again) = self.ahead else { return };
        let (remote, services) = (Arc::downgrade(self), Arc::downgrade(services));
        let Some(running) = services.upgrade() else { return };
        running.main.spawn(keep(remote, services, again));
    }
}

async fn keep(remote: Weak<Remote>, services: Weak<Services>, again: Duration) {
    while let (Some(remote), Some(services)) = (remote.upgrade(), services.upgrade()) {
        let good = {
            let _one = remote.fetching.lock().await;
            remote.load(&services).await
        };
        let early = remote.kept.checked_sub(Duration::from_secs(5)).filter(|early| !early.is_zero());
        let wait = if good { early.unwrap_or(remote.kept) } else { again };
        drop((remote, services));
        sleep(wait.max(Duration::from_millis(100))).await;
    }
}

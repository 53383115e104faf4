//! Circuit breakers: how much of a cluster may be in use at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::proto::Reader;
use crate::telemetry::stats::{Gauge, Scope};

/// A share of the requests on their way that may be retries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryBudget {
    /// Percent of active and pending requests (20).
    pub percent: f64,
    /// Retries always allowed (3).
    pub min_concurrency: u64,
}

/// `CircuitBreakers.Thresholds`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Connections (1024).
    pub connections: u64,
    /// Requests that wait for a connection (1024).
    pub pending: u64,
    /// Requests on their way (1024).
    pub requests: u64,
    /// Retries on their way (3).
    pub retries: u64,
    /// Instead of `retries`.
    pub budget: Option<RetryBudget>,
    /// Connection pools (unlimited).
    pub pools: u64,
    /// Whether `remaining_*` gauges are kept.
    pub track_remaining: bool,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            connections: 1024,
            pending: 1024,
            requests: 1024,
            retries: 3,
            budget: None,
            pools: u64::MAX,
            track_remaining: false,
        }
    }
}

impl Thresholds {
    fn read(reader: &Reader<'_>) -> Self {
        let default = Self::default();
        let budget = reader.message("retry_budget").map(|budget| RetryBudget {
            percent: budget.message("budget_percent").map_or(20.0, |percent| percent.float("value").unwrap_or(0.0)),
            min_concurrency: budget.number("min_retry_concurrency").unwrap_or(3),
        });
        Self {
            connections: reader.number("max_connections").unwrap_or(default.connections),
            pending: reader.number("max_pending_requests").unwrap_or(default.pending),
            requests: reader.number("max_requests").unwrap_or(default.requests),
            retries: reader.number("max_retries").unwrap_or(default.retries),
            budget,
            pools: reader.number("max_connection_pools").unwrap_or(default.pools),
            track_remaining: reader.flag("track_remaining"),
        }
    }
}

/// The limits of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BreakerConfig {
    /// For priority DEFAULT.
    pub normal: Thresholds,
    /// For priority HIGH.
    pub high: Thresholds,
    /// Connections to one host; none is no limit.
    pub per_host_connections: Option<u64>,
}

impl BreakerConfig {
    /// Reads `CircuitBreakers`; the first thresholds of a priority count, as in Envoy.
    pub fn read(reader: Option<&Reader<'_>>) -> Self {
        let mut config = Self::default();
        let Some(reader) = reader else { return config };
        let (mut normal, mut high) = (None, None);
        for thresholds in reader.list("thresholds") {
            let place = if thresholds.word("priority") == "HIGH" { &mut high } else { &mut normal };
            let read = Thresholds::read(&thresholds);
            place.get_or_insert(read);
        }
        for thresholds in reader.list("per_host_thresholds") {
            let high = thresholds.word("priority") == "HIGH";
            let connections = thresholds.number("max_connections");
            if !high && config.per_host_connections.is_none() {
                config.per_host_connections = connections;
            }
        }
        config.normal = normal.unwrap_or_default();
        config.high = high.unwrap_or_default();
        config
    }
}

/// One limited resource.
#[derive(Debug)]
pub struct Limit {
    max: AtomicU64,
    used: AtomicU64,
    open: Option<Arc<Gauge>>,
    remaining: Option<Arc<Gauge>>,
}

/// One of a limited resource; dropping it gives it back.
#[derive(Debug)]
pub struct Permit(Arc<Limit>);

impl Limit {
    fn new(max: u64, scope: &Scope, open: &str, remaining: Option<&str>) -> Arc<Self> {
        let open = (!open.is_empty()).then(|| scope.gauge(open));
        let remaining = remaining.map(|name| scope.gauge(name));
        let limit = Self { max: AtomicU64::new(max), used: AtomicU64::new(0), open, remaining };
        limit.show(0);
        Arc::new(limit)
    }

    /// How many are in use.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How many there may be.
    pub fn max(&self) -> u64 {
        self.max.load(Ordering::Relaxed)
    }

    /// Whether one more is allowed.
    pub fn can_take(&self) -> bool {
        self.used() < self.max()
    }

    /// Takes one if that is allowed.
    pub fn try_take(self: &Arc<Self>) -> Option<Permit> {
        let max = self.max();
        let more = |used: u64| (used < max).then(|| used + 1);
        let before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        self.show(before + 1);
        Some(Permit(self.clone()))
    }

    /// Takes one whether or not it is allowed: a host without any connection gets one.
    pub fn take(self: &Arc<Self>) -> Permit {
        let before = self.used.fetch_add(1, Ordering::Relaxed);
        self.show(before + 1);
        Permit(self.clone())
    }

    fn show(&self, used: u64) {
        let max = self.max();
        if let Some(open) = &self.open {
            open.set(i64::from(used >= max));
        }
        if let Some(remaining) = &self.remaining {
            remaining.set(i64::try_from(max.saturating_sub(used)).unwrap_or(i64::MAX));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let before = self.0.used.fetch_sub(1, Ordering::Relaxed);
        self.0.show(before.saturating_sub(1));
    }
}

/// The breakers of one priority. Whoever uses a resource takes a permit and keeps it as long as the use lasts.
#[derive(Debug)]
pub struct Breakers {
    /// Connections.
    pub connections: Arc<Limit>,
    /// Requests that wait for a connection.
    pub pending: Arc<Limit>,
    /// Requests on their way.
    pub requests: Arc<Limit>,
    /// Connection pools.
    pub pools: Arc<Limit>,
    retries: Arc<Limit>,
    budget: Option<RetryBudget>,
}

impl Breakers {
    /// Breakers that count under `scope` (`cluster.NAME.circuit_breakers.PRIORITY`).
    pub fn new(thresholds: &Thresholds, scope: &Scope) -> Self {
        let remaining = |name: &'static str| thresholds.track_remaining.then_some(name);
        let retries = if thresholds.budget.is_some() { u64::MAX } else { thresholds.retries };
        let tracked = remaining("remaining_retries").filter(|_| thresholds.budget.is_none());
        Self {
            connections: Limit::new(thresholds.connections, scope, "cx_open", remaining("remaining_cx")),
            pending: Limit::new(thresholds.pending, scope, "rq_pending_open", remaining("remaining_pending")),
            requests: Limit::new(thresholds.requests, scope, "rq_open", remaining("remaining_rq")),
            pools: Limit::new(thresholds.pools, scope, "cx_pool_open", remaining("remaining_cx_pools")),
            retries: Limit::new(retries, scope, "rq_retry_open", tracked),
            budget: thresholds.budget,
        }
    }

    /// Takes permission for a retry, by the fixed limit or by the budget.
    pub fn try_retry(&self) -> Option<Permit> {
        if let Some(budget) = &self.budget {
            self.retries.max.store(self.budgeted(budget), Ordering::Relaxed);
        }
        self.retries.try_take()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn budgeted(&self, budget: &RetryBudget) -> u64 {
        let going = self.requests.used() + self.pending.used();
        ((budget.percent / 100.0 * going as f64) as u64).max(budget.min_concurrency)
    }

    /// Retries on their way.
    pub fn retries(&self) -> &Limit {
        &self.retries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Stats;

    fn breakers(thresholds: &Thresholds) -> Breakers {
        Breakers::new(thresholds, &Scope::root(&Stats::default()))
    }

    #[test]
    fn a_permit_counts_until_it_is_dropped() {
        let stats = Stats::default();
        let breakers = Breakers::new(&Thresholds { requests: 1, ..Thresholds::default() }, &Scope::root(&stats));
        let open = Scope::root(&stats).gauge("rq_open");
        let permit = breakers.requests.try_take();
        assert!(permit.is_some() && breakers.requests.try_take().is_none());
        assert_eq!(open.value(), 1);
        drop(permit);
        assert_eq!((open.value(), breakers.requests.used()), (0, 0));
    }

    #[test]
    fn a_budget_follows_the_requests_on_their_way() {
        let budget = Some(RetryBudget { percent: 50.0, min_concurrency: 1 });
        let breakers = breakers(&Thresholds { budget, ..Thresholds::default() });
        let first = breakers.try_retry();
        assert!(first.is_some() && breakers.try_retry().is_none(), "one is always allowed");
        let _requests: Vec<Permit> = (0..4).map(|_| breakers.requests.take()).collect();
        let second = breakers.try_retry();
        assert!(second.is_some() && breakers.try_retry().is_none(), "half of four");
    }
}

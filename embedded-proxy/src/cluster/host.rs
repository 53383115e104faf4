//! One endpoint of a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use super::assignment::{CheckTarget, Endpoint, EndpointAddress, EndpointHealth, Locality, Metadata};
use super::lb::Average;
use super::outlier::{Monitor, Outcome};
use super::pool::HostPools;
use crate::net::Address;

/// Reasons why a host takes no traffic, or less: bits as Envoy names them in `/clusters`.
pub mod flag {
    /// Active health checking says no.
    pub const FAILED_ACTIVE_HC: u32 = 1;
    /// Outlier detection ejected it.
    pub const FAILED_OUTLIER_CHECK: u32 = 1 << 1;
    /// The control plane says no.
    pub const FAILED_EDS_HEALTH: u32 = 1 << 2;
    /// Active health checking says degraded.
    pub const DEGRADED_ACTIVE_HC: u32 = 1 << 3;
    /// The control plane says degraded.
    pub const DEGRADED_EDS_HEALTH: u32 = 1 << 4;
    /// Gone from the configuration, kept while active health checking says yes.
    pub const PENDING_DYNAMIC_REMOVAL: u32 = 1 << 5;
    /// Not checked yet.
    pub const PENDING_ACTIVE_HC: u32 = 1 << 6;
    /// Its own answer took it out of all counts (`x-envoy-immediate-health-check-fail`).
    pub const EXCLUDED_VIA_IMMEDIATE_HC_FAIL: u32 = 1 << 7;
    /// The last active health check timed out.
    pub const ACTIVE_HC_TIMEOUT: u32 = 1 << 8;
    /// The control plane drains it.
    pub const EDS_STATUS_DRAINING: u32 = 1 << 9;

    /// Those that keep all traffic away.
    pub(super) const UNHEALTHY: u32 = FAILED_ACTIVE_HC | FAILED_OUTLIER_CHECK | FAILED_EDS_HEALTH | EDS_STATUS_DRAINING;
    /// Those that put it behind the healthy ones.
    pub(super) const DEGRADED: u32 = DEGRADED_ACTIVE_HC | DEGRADED_EDS_HEALTH;
    /// Those that the control plane sets.
    pub(super) const EDS: u32 = FAILED_EDS_HEALTH | DEGRADED_EDS_HEALTH | EDS_STATUS_DRAINING;
}

/// How a host does, all sources taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Takes traffic.
    Healthy,
    /// Takes traffic when the healthy ones are too few.
    Degraded,
    /// Takes none outside panic.
    Unhealthy,
}

/// An endpoint: its address, its weight, and how it does. Shared by pickers, pools, health checks and outlier detection;
/// it survives updates of its cluster as long as address, host name and locality stay.
#[derive(Debug)]
pub struct Host {
    /// Address.
    pub address: Address,
    /// More addresses of the same endpoint, in the order to try them when the first does not answer.
    pub additional: Vec<Address>,
    /// Host name, when the endpoint has one.
    pub hostname: Option<Arc<str>>,
    /// Load balancing weight, at least 1.
    pub weight: AtomicU32,
    /// Region, zone, sub-zone.
    pub locality: Locality,
    /// Priority, 0 first.
    pub priority: AtomicU32,
    /// Health check overrides.
    pub check: CheckTarget,
    metadata: ArcSwap<Metadata>,
    flags: AtomicU32,
    gone: watch::Sender<bool>,
    /// When it was first seen.
    born: Instant,
    /// When it last became healthy, counted from `born`, nanoseconds.
    warm_at: AtomicU64,
    /// What outlier detection remembers of it.
    pub monitor: Monitor,
    /// Moving average of its latency.
    pub(super) average: Average,
    /// Requests on their way.
    pub active: AtomicU32,
    /// What happened since it is known.
    pub stats: HostStats,
    /// Connections to it.
    pub pools: HostPools,
}

/// Counts of one host, for `/clusters`.
#[derive(Debug, Default)]
pub struct HostStats {
    /// Connections open now.
    pub cx_active: AtomicU32,
    /// Connections opened.
    pub cx_total: AtomicU64,
    /// Connections that could not be opened.
    pub cx_connect_fail: AtomicU64,
    /// Requests that failed: 5xx, resets.
    pub rq_error: AtomicU64,
    /// Requests that succeeded.
    pub rq_success: AtomicU64,
    /// Requests that timed out.
    pub rq_timeout: AtomicU64,
    /// Requests begun.
    pub rq_total: AtomicU64,
}

impl HostStats {
    /// Counts the end of a request; connections are counted where they are made.
    pub(super) fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Connected | Outcome::ConnectedFinally => return,
            _ if outcome.is_failure() => &self.rq_error,
            _ => &self.rq_success,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if matches!(outcome, Outcome::Timeout(_)) {
            self.rq_timeout.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Host {
    /// The host of an endpoint; none when its address is a name.
    pub fn new(endpoint: &Endpoint, locality: &Locality, priority: u32) -> Option<Self> {
        let host = Self {
            address: endpoint.address.known()?.clone(),
            additional: endpoint.additional.iter().filter_map(EndpointAddress::known).cloned().collect(),
            hostname: endpoint.hostname.clone(),
            weight: AtomicU32::new(endpoint.weight.max(1)),
            locality: locality.clone(),
            priority: AtomicU32::new(priority),
            check: endpoint.check.clone(),
            metadata: ArcSwap::new(endpoint.metadata.clone()),
            flags: AtomicU32::new(0),
            gone: watch::Sender::new(false),
            born: Instant::now(),
            warm_at: AtomicU64::new(0),
            monitor: Monitor::default(),
            average: Average::default(),
            active: AtomicU32::new(0),
            stats: HostStats::default(),
            pools: HostPools::default(),
        };
        host.set_eds_health(endpoint.health);
        Some(host)
    }

    /// Whether the same host can stand for `endpoint`: what cannot change in place is equal.
    pub(super) fn stands_for(&self, endpoint: &Endpoint, locality: &Locality) -> bool {
        self.hostname == endpoint.hostname
            && self.locality == *locality
            && self.check == endpoint.check
            && self.additional.iter().eq(endpoint.additional.iter().filter_map(EndpointAddress::known))
    }

    /// Takes over what can change in place: weight, priority, metadata, the control plane's word on health.
    /// False: nothing changed.
    pub(super) fn refresh(&self, endpoint: &Endpoint, priority: u32) -> bool {
        let weight = endpoint.weight.max(1);
        let mut changed = self.weight.swap(weight, Ordering::Relaxed) != weight;
        changed |= self.priority.swap(priority, Ordering::Relaxed) != priority;
        if **self.metadata.load() != *endpoint.metadata {
            self.metadata.store(endpoint.metadata.clone());
            changed = true;
        }
        let before = self.flags();
        self.set_eds_health(endpoint.health);
        self.clear(flag::PENDING_DYNAMIC_REMOVAL);
        changed || before != self.flags()
    }

    /// Says that the host left its cluster: connections to it are to be drained.
    pub(super) fn retire(&self) {
        self.gone.send_replace(true);
        self.pools.close();
    }

    /// Lets go of what outlier detection knew: its rules changed.
    pub(super) fn forget_outliers(&self) {
        self.monitor.reset();
        self.clear(flag::FAILED_OUTLIER_CHECK);
    }

    /// Lets go of what active health checks found: there are none any more.
    pub(super) fn forget_checks(&self) {
        let found = flag::FAILED_ACTIVE_HC
            | flag::DEGRADED_ACTIVE_HC
            | flag::PENDING_ACTIVE_HC
            | flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL
            | flag::ACTIVE_HC_TIMEOUT
            | flag::PENDING_DYNAMIC_REMOVAL;
        self.clear(found);
    }

    /// Whether it left its cluster.
    pub fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Waits until it leaves its cluster.
    pub async fn gone(&self) {
        // The sender lives as long as the host.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// Metadata by namespace (`envoy.lb`, `istio`).
    pub fn metadata(&self) -> Arc<Metadata> {
        self.metadata.load_full()
    }

    /// Time since it was first seen.
    pub fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// Time since it was first seen or last became healthy.
    pub fn warm_for(&self) -> Duration {
        self.age().saturating_sub(Duration::from_nanos(self.warm_at.load(Ordering::Relaxed)))
    }

    /// Says that it became healthy now: slow start begins.
    pub(super) fn warm(&self) {
        let age = u64::try_from(self.age().as_nanos()).unwrap_or(u64::MAX);
        self.warm_at.store(age, Ordering::Relaxed);
    }

    /// Its weight.
    pub fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether it may take traffic and is not degraded.
    pub fn is_healthy(&self) -> bool {
        self.health() == Health::Healthy
    }

    /// How it does.
    pub fn health(&self) -> Health {
        let flags = self.flags();
        if flags & flag::UNHEALTHY != 0 {
            Health::Unhealthy
        } else if flags & flag::DEGRADED != 0 {
            Health::Degraded
        } else {
            Health::Healthy
        }
    }

    /// All flags.
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// Sets flags.
    pub(super) fn set(&self, flags: u32) {
        self.flags.fetch_or(flags, Ordering::Relaxed);
    }

    /// Clears flags.
    pub(super) fn clear(&self, flags: u32) {
        self.flags.fetch_and(!flags, Ordering::Relaxed);
    }

    fn set_eds_health(&self, health: EndpointHealth) {
        let flags = match health {
            EndpointHealth::Healthy => 0,
            EndpointHealth::Degraded => flag::DEGRADED_EDS_HEALTH,
            EndpointHealth::Unhealthy => flag::FAILED_EDS_HEALTH,
            EndpointHealth::Draining => flag::EDS_STATUS_DRAINING,
        };
        let change = |old: u32| Some(old & !flag::EDS | flags);
        // The closure never declines.
        let _ = self.flags.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

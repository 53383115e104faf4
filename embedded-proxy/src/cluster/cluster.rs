//! A cluster as the data path uses it.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Host;
use super::assignment::{LoadAssignment, Locality};
use super::breakers::Breakers;
use super::config::{ClusterConfig, Settings};
use super::discovery::{Discovery, OriginalDst};
use super::health::{self, Checker};
use super::host::flag;
use super::hosts::PriorityHosts;
use super::lb::{Avoid, Balancer, LbStats, PreviousPriorities};
use super::members::{Members, Rules};
use super::outlier::{Detector, Origin as FailureOrigin, Outcome};
use super::pool::{Priority, Upstream};
use super::requests::RequestStats;
use super::stats::ClusterStats;
use crate::http::RequestHead;
use crate::proto::Fraction;
use crate::services::{Build, Services};
use crate::stream::{Connection, StreamInfo};
use crate::telemetry::stats::Scope;

/// What a picker may look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'c> {
    /// Hash of the request, from the route's hash policy.
    pub hash: Option<u64>,
    /// Subset that the route asks for: keys and values under `envoy.lb`.
    pub subset: &'c [(String, serde_json::Value)],
    /// Hosts that the retry policy does not want.
    pub avoid: Avoid<'c>,
    /// Priorities of earlier attempts, when the retry policy wants others.
    pub priorities: Option<&'c PreviousPriorities>,
    /// How often to choose again when a host to avoid came (`host_selection_retry_max_attempts`).
    pub attempts: u32,
    /// Original destination of the connection, for ORIGINAL_DST clusters.
    pub original_dst: Option<SocketAddr>,
    /// Random number of this choice.
    pub random: u64,
}

/// A cluster. An update of its configuration makes a new one, which takes over the hosts.
#[derive(Debug)]
pub struct Cluster {
    /// Name.
    pub name: Arc<str>,
    /// How its connections are made and used.
    pub upstream: Arc<Upstream>,
    /// The rest of its configuration.
    pub settings: Settings,
    /// Where its stats hang: `cluster.NAME`.
    pub scope: Scope,
    /// Stats of its hosts.
    pub stats: ClusterStats,
    /// Stats of the requests that routers sent.
    pub requests: RequestStats,
    breakers: [Arc<Breakers>; 2],
    lb_stats: LbStats,
    detector: Option<Detector>,
    checker: Option<Checker>,
    /// How fast latencies fade, when the balancer needs them.
    decay: Option<Duration>,
    main: Handle,
    own_locality: Locality,
    members: Mutex<Members>,
    state: ArcSwap<State>,
    /// Hosts of an ORIGINAL_DST cluster.
    pub(super) original_dst: OriginalDst,
    /// Whether discovery found hosts, or gave up.
    discovered: AtomicBool,
    ready: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// The hosts at one moment, and what chooses among them.
#[derive(Debug)]
struct State {
    priorities: Vec<PriorityHosts>,
    balancer: Balancer,
    /// Shares of requests to drop, by category.
    drops: Vec<(String, Fraction)>,
    /// The hosts by address; made when one is first looked for.
    by_address: OnceLock<HashMap<String, Arc<Host>>>,
}

impl State {
    fn new(priorities: Vec<PriorityHosts>, balancer: Balancer, drops: Vec<(String, Fraction)>) -> Self {
        Self { priorities, balancer, drops, by_address: OnceLock::new() }
    }
}

fn breakers(settings: &Settings, scope: &Scope) -> [Arc<Breakers>; 2] {
    let scope = scope.sub("circuit_breakers");
    let config = &settings.breakers;
    [Breakers::new(&config.normal, &scope.sub("default")), Breakers::new(&config.high, &scope.sub("high"))]
        .map(Arc::new)
}

fn own_locality(services: &Services) -> Locality {
    let (region, zone, sub_zone) = &services.node.locality;
    Locality::new(region, zone, sub_zone)
}

impl Cluster {
    /// Makes a cluster and starts what finds its hosts. It takes over the hosts of `old` when connections to them are
    /// made the same way.
    pub(super) fn start(config: ClusterConfig, old: Option<&Self>, build: &Build) -> Arc<Self> {
        let ClusterConfig { name, upstream, settings } = config;
        let scope = ClusterConfig::scope(&name, settings.alt_stat_name.as_deref(), build);
        let kept = old.filter(|old| old.settings.connection_fingerprint == settings.connection_fingerprint);
        let (mut members, original_dst) = (Members::default(), OriginalDst::default());
        if let Some(old) = kept {
            members.adopt(&old.members.lock());
            original_dst.adopt(&old.original_dst);
            if old.settings.outlier != settings.outlier {
                old.hosts().iter().for_each(|host| host.forget_outliers());
            }
            if settings.health.is_none() {
                old.hosts().iter().for_each(|host| host.forget_checks());
            }
        }
        let breakers = match kept.filter(|old| old.settings.breakers == settings.breakers) {
            Some(old) => old.breakers.clone(),
            None => breakers(&settings, &scope),
        };
        let (own_locality, lb_stats) = (own_locality(&build.services), LbStats::new(&scope));
        let balancer = Balancer::new(&settings.lb, &[], &own_locality, &lb_stats);
        let cluster = Arc::new(Self {
            name,
            upstream: kept.map_or_else(|| Arc::new(upstream), |old| old.upstream.clone()),
            stats: ClusterStats::new(&scope),
            requests: RequestStats::new(&scope),
            lb_stats,
            detector: settings.outlier.as_ref().map(|outlier| Detector::new(outlier, &scope)),
            checker: settings.health.as_ref().map(|health| Checker::new(health, &scope)),
            decay: settings.lb.policy.decay(),
            main: build.services.main.clone(),
            breakers,
            own_locality,
            members: Mutex::new(members),
            state: ArcSwap::from_pointee(State::new(Vec::new(), balancer, Vec::new())),
            original_dst,
            discovered: AtomicBool::new(false),
            ready: watch::Sender::new(false),
            tasks: Mutex::default(),
            scope,
            settings,
        });
        cluster.settings.discovery.start(&cluster, &build.services);
        cluster.warm_up();
        cluster.watch_outliers();
        cluster
    }

    /// With slow start: computes shares again as long as a host is in its window.
    fn warm_up(self: &Arc<Self>) {
        let Some(slow) = self.settings.lb.policy.slow_start().copied() else { return };
        let weak = Arc::downgrade(self);
        self.keep(self.main.spawn(async move {
            let mut warming = true;
            loop {
                sleep(slow.pace()).await;
                let Some(cluster) = weak.upgrade() else { return };
                let now = cluster.hosts().iter().any(|host| slow.covers(host));
                if std::mem::replace(&mut warming, now) || now {
                    cluster.refresh();
                }
            }
        }));
    }

    /// Analyses outliers on an interval.
    fn watch_outliers(self: &Arc<Self>) {
        let Some(interval) = self.detector.as_ref().map(Detector::interval) else { return };
        let weak = Arc::downgrade(self);
        self.keep(self.main.spawn(async move {
            loop {
                sleep(interval).await;
                let Some(cluster) = weak.upgrade() else { return };
                if cluster.detector.as_ref().is_some_and(|detector| detector.analyse(&cluster.hosts())) {
                    cluster.refresh();
                }
            }
        }));
    }

    /// Notes what happened to an attempt at a host: its counts of requests, outlier detection and peak EWMA follow it.
    /// `started` is when the request began, when a response or its absence is reported.
    pub fn report(self: &Arc<Self>, host: &Arc<Host>, outcome: Outcome, started: Option<Instant>) {
        host.stats.count(outcome);
        if let (Some(decay), Some(started)) = (self.decay, started) {
            host.average.note(started.elapsed(), outcome.is_failure(), host.age(), decay);
        }
        let Some(detector) = &self.detector else { return };
        if detector.note(host, outcome, || self.hosts()) {
            // Sorting a large cluster takes time: not on the worker.
            let cluster = self.clone();
            self.main.spawn(async move { cluster.refresh() });
        }
    }

    /// Says that the first hosts are there, or that waiting for them ended.
    pub(super) fn found(self: &Arc<Self>) {
        self.discovered.store(true, Ordering::Relaxed);
        if let Some(checker) = &self.checker {
            health::start(self, checker, &self.hosts());
        }
        self.settle();
    }

    /// It is ready when discovery found hosts and each of them was checked once.
    fn settle(&self) {
        let checked = self.checker.as_ref().is_none_or(Checker::is_settled);
        if self.discovered.load(Ordering::Relaxed) && checked && !self.is_ready() {
            self.ready.send_replace(true);
        }
    }

    /// Active health checks, when it has some.
    pub(super) fn checker(&self) -> Option<&Checker> {
        self.checker.as_ref()
    }

    /// Runs a future on the main runtime.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.main.spawn(future)
    }

    /// Whether it ever had traffic.
    pub(super) fn had_traffic(&self) -> bool {
        self.upstream.stats.cx_total.value() > 0
    }

    /// Follows a health check of a host.
    pub(super) fn host_checked(&self, host: &Arc<Host>, well: bool, changed: bool) {
        let unejected = well && self.detector.as_ref().is_some_and(|detector| detector.passed(host, &self.hosts()));
        if changed || unejected {
            self.refresh();
        }
        if changed && !well && self.settings.close_on_health_failure && host.has(flag::FAILED_ACTIVE_HC) {
            host.pools.close();
        }
        self.settle();
    }

    /// Mean success rate of its hosts and the rate below which they are ejected, in percent, -1 when there is none; none
    /// without outlier detection.
    pub fn success_rate(&self, origin: FailureOrigin) -> Option<(f64, f64)> {
        self.detector.as_ref().map(|detector| detector.average(origin))
    }

    /// Whether its hosts are health checked.
    pub fn is_checked(&self) -> bool {
        self.checker.is_some()
    }

    /// A response of a host said `x-envoy-immediate-health-check-fail`: it fails its health check at once. Nothing
    /// happens in clusters without health checks.
    pub fn fail_health_check(&self, host: &Arc<Host>) {
        if let Some(checker) = &self.checker {
            checker.fail(host);
        }
    }

    /// Keeps a task as long as the cluster lives.
    pub(super) fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().push(task);
    }

    /// Says that hosts left the cluster.
    #[allow(clippy::unused_self)]
    pub(super) fn retire(&self, hosts: &[Arc<Host>]) {
        for host in hosts {
            host.retire();
            host.pools.close();
        }
    }

    /// Whether it has its first hosts, or gave up to wait for them.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        // The sender lives as long as the cluster.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// Stops discovery and checks. Requests may still use the hosts.
    pub(super) fn stop(&self) {
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
        if let Some(checker) = &self.checker {
            checker.stop();
        }
    }

    /// Follows an assignment whose addresses are all IP addresses. False: it changed nothing.
    pub(super) fn assign(self: &Arc<Self>, assignment: &LoadAssignment) -> bool {
        let rules = Rules {
            once: self.settings.discovery.is_dynamic(),
            initial: self.checker.as_ref().map_or(0, Checker::initial_flags),
            keep_well: self.checker.is_some()
                && !self.settings.ignore_health_on_removal
                && self.settings.discovery.is_dynamic(),
        };
        let change = self.members.lock().assign(assignment, rules);
        if !change.added.is_empty() || !change.removed.is_empty() {
            self.stats.membership_change.inc();
            if self.settings.close_on_change {
                self.hosts().iter().for_each(|host| host.pools.close());
            }
        }
        if change.any {
            self.retire(&change.removed);
            self.refresh();
            if let Some(detector) = &self.detector {
                detector.show(&self.hosts());
            }
            if let Some(checker) = self.checker.as_ref().filter(|_| self.discovered.load(Ordering::Relaxed)) {
                health::start(self, checker, &self.hosts());
                self.settle();
            }
        }
        change.any
    }

    /// Sorts the hosts again: health, weight or membership changed.
    pub(super) fn refresh(&self) {
        let mut members = self.members.lock();
        let swept = members.sweep();
        if !swept.is_empty() {
            self.stats.membership_change.inc();
            self.retire(&swept);
        }
        let priorities = members.priorities(&self.own_locality);
        self.stats.show(&priorities);
        let balancer = Balancer::new(&self.settings.lb, &priorities, &self.own_locality, &self.lb_stats);
        let drops = members.drops.clone();
        self.state.store(Arc::new(State::new(priorities, balancer, drops)));
    }

    /// Chooses a host. None: there is none that may take the request.
    pub fn pick(&self, choice: &Choice<'_>) -> Option<Arc<Host>> {
        let host = match &self.settings.discovery {
            Discovery::OriginalDst(_) => self.pick_original(choice.original_dst),
            _ => self.state.load().balancer.pick(choice, &self.lb_stats),
        };
        if host.is_none() {
            self.stats.upstream_cx_none_healthy.inc();
        }
        host
    }

    /// The host whose address is written so, whatever its health.
    pub fn host(&self, address: &str) -> Option<Arc<Host>> {
        let state = self.state.load();
        let by_address = state.by_address.get_or_init(|| {
            let hosts = state.priorities.iter().flat_map(|priority| priority.all.iter());
            hosts.map(|host| (host.address.to_string(), host.clone())).collect()
        });
        by_address.get(address).cloned()
    }

    /// The host that a session has, unless its health does not allow it to stay.
    pub fn sticky_host(&self, address: &str) -> Option<Arc<Host>> {
        self.host(address).filter(|host| self.settings.lb.sticky.takes(host))
    }

    fn pick_original(&self, address: Option<SocketAddr>) -> Option<Arc<Host>> {
        let (host, new) = self.original_dst.host(address?)?;
        if new {
            self.stats.membership_change.inc();
            self.show_original_dst();
        }
        Some(host)
    }

    /// Shows how many hosts an ORIGINAL_DST cluster has.
    pub(super) fn show_original_dst(&self) {
        let count = i64::try_from(self.original_dst.hosts().len()).unwrap_or(i64::MAX);
        self.stats.membership_total.set(count);
        self.stats.membership_healthy.set(count);
    }

    /// Where an ORIGINAL_DST cluster is to connect for a request or a connection; none for other clusters, and when
    /// neither filter state, metadata, header nor a restored destination tell.
    pub fn original_dst(
        &self,
        exchange: Option<(&RequestHead, &StreamInfo)>,
        connection: &Connection,
    ) -> Option<SocketAddr> {
        let Discovery::OriginalDst(config) = &self.settings.discovery else { return None };
        config.address(exchange, connection, &self.stats.original_dst_host_invalid)
    }

    /// Circuit breakers of a priority.
    pub fn breakers(&self, priority: Priority) -> &Arc<Breakers> {
        match priority {
            Priority::Default => &self.breakers[0],
            Priority::High => &self.breakers[1],
        }
    }

    /// All hosts in the order of their assignment.
    pub fn hosts(&self) -> Vec<Arc<Host>> {
        match &self.settings.discovery {
            Discovery::OriginalDst(_) => self.original_dst.hosts(),
            _ => self.members.lock().hosts().to_vec(),
        }
    }

    /// The hosts by priority, as pickers see them now.
    pub fn priorities(&self) -> Vec<PriorityHosts> {
        self.state.load().priorities.clone()
    }

    /// Name in stats and logs.
    pub fn observability_name(&self) -> &Arc<str> {
        self.settings.alt_stat_name.as_ref().unwrap_or(&self.name)
    }

    /// The share of requests that are to be dropped, when the control plane asked for it and this request is one of them.
    pub fn drops(&self, random: u64) -> Option<Fraction> {
        let share = self.state.load().drops.iter().map(|(_, share)| *share).find(|share| share.hits(random))?;
        self.stats.upstream_rq_drop_overload.inc();
        Some(share)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::net::Address;

    fn picks(cluster: &Cluster, count: usize) -> Vec<u16> {
        let mut ports: Vec<u16> =
            (0..count).map(|_| cluster.pick(&Choice::default()).unwrap().address.port().unwrap()).collect();
        ports.sort_unstable();
        ports
    }

    #[tokio::test]
    async fn round_robin_takes_hosts_by_weight() {
        let hosts = assignment(&[("10.0.0.1", 1, 1), ("10.0.0.1", 2, 2)]);
        let cluster = apply(&json!({"name": "c", "load_assignment": hosts}), &build());
        assert_eq!(picks(&cluster, 6), [1, 1, 2, 2, 2, 2]);
        assert_eq!(cluster.stats.membership_healthy.value(), 2);
    }

    #[tokio::test]
    async fn hosts_to_avoid_are_chosen_only_when_nothing_else_comes() {
        let hosts = assignment(&[("10.0.0.1", 1, 1), ("10.0.0.1", 2, 1)]);
        let cluster = apply(&json!({"name": "c", "load_assignment": hosts}), &build());
        let address = |text: &str| Address::Ip(text.parse().unwrap());
        let avoid = vec![address("10.0.0.1:1")];
        for _ in 0..4 {
            let avoid = Avoid { hosts: &avoid, ..Avoid::default() };
            let choice = Choice { avoid, attempts: 1, ..Choice::default() };
            assert_eq!(cluster.pick(&choice).unwrap().address.port(), Some(2));
        }
        let both = [address("10.0.0.1:1"), address("10.0.0.1:2")];
        let both = Avoid { hosts: &both, ..Avoid::default() };
        assert!(cluster.pick(&Choice { avoid: both, attempts: 3, ..Choice::default() }).is_some());
    }
}

//! The detector of a cluster: decides from what is reported who is ejected, and for how long.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::cluster::Host;
use crate::cluster::host::flag;
use crate::telemetry::stats::Scope;

use super::monitor::{Origin, Run};
use super::stats::{OutlierStats, Reason};
use super::{Outcome, OutlierConfig};

/// Averages before there are any.
const NONE: (f64, f64) = (-1.0, -1.0);

/// The detector.
#[derive(Debug)]
pub struct Detector {
    config: OutlierConfig,
    stats: OutlierStats,
    /// Mean success rate and the rate below which hosts are ejected, by origin; -1 without an analysis.
    averages: Mutex<[(f64, f64); 2]>,
    /// Held while a host is ejected or let back in: the share of ejected hosts is counted by one at a time.
    one_at_a_time: Mutex<()>,
}

impl Detector {
    /// A detector that counts under the scope of a cluster.
    pub fn new(config: &OutlierConfig, scope: &Scope) -> Self {
        Self {
            config: config.clone(),
            stats: OutlierStats::new(scope),
            averages: Mutex::new([NONE; 2]),
            one_at_a_time: Mutex::default(),
        }
    }

    /// Mean success rate of the last interval and the rate below which hosts are ejected, in percent; -1 when there were
    /// too few hosts or requests.
    pub fn average(&self, origin: Origin) -> (f64, f64) {
        self.averages.lock()[usize::from(origin == Origin::Local)]
    }

    /// Time between analyses.
    pub fn interval(&self) -> Duration {
        self.config.interval
    }

    /// Notes an outcome. `hosts` gives all hosts of the cluster when they are needed. True: the host was ejected.
    pub fn note(&self, host: &Host, outcome: Outcome, hosts: impl Fn() -> Vec<Arc<Host>>) -> bool {
        let runs = if self.config.split { self.split(host, outcome) } else { self.joined(host, outcome) };
        let mut ejected = false;
        for run in runs {
            if host.has(flag::FAILED_OUTLIER_CHECK) {
                continue;
            }
            let reason = match run {
                Run::Server => Reason::Server,
                Run::Gateway => Reason::Gateway,
                Run::Local => Reason::Local,
            };
            self.stats.detected(reason);
            ejected |= self.eject(host, reason, &hosts());
            host.monitor.end(run);
        }
        ejected
    }

    fn joined(&self, host: &Host, outcome: Outcome) -> Vec<Run> {
        outcome.status().map(|status| host.monitor.status(status, &self.config)).unwrap_or_default()
    }

    fn split(&self, host: &Host, outcome: Outcome) -> Vec<Run> {
        let monitor = &host.monitor;
        match outcome {
            Outcome::Response(status) => monitor.status(status, &self.config),
            Outcome::Connected | Outcome::ConnectedFinally => monitor.local(true, &self.config),
            Outcome::Failed | Outcome::Timeout(_) => monitor.local(false, &self.config),
            Outcome::Refused => monitor.status(503, &self.config),
            Outcome::Succeeded => {
                let mut runs = monitor.status(200, &self.config);
                runs.extend(monitor.local(true, &self.config));
                runs
            }
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn eject(&self, host: &Host, reason: Reason, hosts: &[Arc<Host>]) -> bool {
        let _one_at_a_time = self.one_at_a_time.lock();
        let active = hosts.iter().filter(|host| host.has(flag::FAILED_OUTLIER_CHECK)).count();
        let percent = 100.0 * (active + 1) as f64 / hosts.len().max(1) as f64;
        let room = percent <= f64::from(self.config.max_percent) || (self.config.always_one && active == 0);
        if !room {
            self.stats.overflow.inc();
            return false;
        }
        self.stats.allowed(reason);
        if fastrand::u32(0..100) >= reason.enforcing(&self.config.enforcing) {
            return false;
        }
        self.stats.enforced(reason);
        host.set(flag::FAILED_OUTLIER_CHECK);
        self.stats.active.set(i64::try_from(active + 1).unwrap_or(i64::MAX));
        let mut ejections = host.monitor.ejections.lock();
        ejections.count += 1;
        ejections.last = Some(Instant::now());
        let jitter = u64::try_from(self.config.jitter.as_millis()).unwrap_or(0);
        ejections.jitter = Duration::from_millis(fastrand::u64(0..=jitter));
        if self.config.base * ejections.backoff < self.config.longest + self.config.base {
            ejections.backoff += 1;
        }
        true
    }

    /// Lets a host back in.
    fn uneject(&self, host: &Host, hosts: &[Arc<Host>]) {
        let _one_at_a_time = self.one_at_a_time.lock();
        host.clear(flag::FAILED_OUTLIER_CHECK);
        host.monitor.end_all();
        host.monitor.ejections.lock().last_end = Some(Instant::now());
        self.show(hosts);
    }

    /// Shows how many hosts are ejected.
    pub fn show(&self, hosts: &[Arc<Host>]) {
        let active = hosts.iter().filter(|host| host.has(flag::FAILED_OUTLIER_CHECK)).count();
        self.stats.active.set(i64::try_from(active).unwrap_or(i64::MAX));
    }

    /// A host passed its active health check. True: that ended its ejection.
    pub fn passed(&self, host: &Host, hosts: &[Arc<Host>]) -> bool {
        let ends =
            self.config.uneject_on_check && !host.has(flag::FAILED_ACTIVE_HC) && host.has(flag::FAILED_OUTLIER_CHECK);
        if ends {
            self.uneject(host, hosts);
        }
        ends
    }

    /// The analysis at the end of an interval. True: some host was ejected or let back in.
    pub fn analyse(&self, hosts: &[Arc<Host>]) -> bool {
        let now = Instant::now();
        let mut changed = false;
        for host in hosts {
            if self.is_over(host, now) {
                self.uneject(host, hosts);
                changed = true;
            }
            host.monitor.turn();
        }
        changed |= self.rates(hosts, Origin::External);
        changed |= self.rates(hosts, Origin::Local);
        for host in hosts.iter().filter(|host| !host.has(flag::FAILED_OUTLIER_CHECK)) {
            let mut ejections = host.monitor.ejections.lock();
            if ejections.last_end.is_some_and(|end| now.saturating_duration_since(end) >= self.config.interval) {
                ejections.backoff = ejections.backoff.saturating_sub(1);
            }
        }
        changed
    }

    fn is_over(&self, host: &Host, now: Instant) -> bool {
        if !host.has(flag::FAILED_OUTLIER_CHECK) {
            return false;
        }
        let ejections = host.monitor.ejections.lock();
        let time = (self.config.base * ejections.backoff).min(self.config.longest) + ejections.jitter;
        ejections.last.is_none_or(|last| now.saturating_duration_since(last) >= time)
    }

    /// Ejects hosts that succeed much less often than the others, or too seldom.
    #[allow(clippy::cast_precision_loss)]
    fn rates(&self, hosts: &[Arc<Host>], origin: Origin) -> bool {
        let (rate_hosts, rate_volume, factor) = self.config.success_rate;
        let (failure_hosts, failure_volume, threshold) = self.config.failure_percent;
        let local = origin == Origin::Local;
        self.averages.lock()[usize::from(local)] = NONE;
        if hosts.len() < rate_hosts && hosts.len() < failure_hosts {
            return false;
        }
        let (mut rated, mut failing) = (Vec::new(), Vec::new());
        for host in hosts.iter().filter(|host| !host.has(flag::FAILED_OUTLIER_CHECK)) {
            let Some((rate, volume)) = host.monitor.last(origin) else { continue };
            if volume >= rate_volume.min(failure_volume) {
                host.monitor.show(origin, rate);
            }
            if volume >= rate_volume {
                rated.push((host, rate));
            }
            if volume >= failure_volume {
                failing.push((host, rate));
            }
        }
        let mut changed = false;
        if !rated.is_empty() && rated.len() >= rate_hosts {
            let rates: Vec<f64> = rated.iter().map(|(_, rate)| *rate).collect();
            let (mean, least) = mean_and_least(&rates, f64::from(factor) / 1000.0);
            self.averages.lock()[usize::from(local)] = (mean, least);
            let reason = if local { Reason::LocalSuccessRate } else { Reason::SuccessRate };
            changed |= self.eject_all(rated.iter().filter(|(_, rate)| *rate < least), reason, hosts);
        }
        if !failing.is_empty() && failing.len() >= failure_hosts {
            let reason = if local { Reason::LocalFailurePercent } else { Reason::FailurePercent };
            let over = failing.iter().filter(|(_, rate)| 100.0 - rate >= f64::from(threshold));
            changed |= self.eject_all(over, reason, hosts);
        }
        changed
    }

    fn eject_all<'h>(
        &self,
        outliers: impl Iterator<Item = &'h (&'h Arc<Host>, f64)>,
        reason: Reason,
        hosts: &[Arc<Host>],
    ) -> bool {
        let mut changed = false;
        for (host, _) in outliers {
            self.stats.detected(reason);
            // Both analyses of one interval may name the host.
            if !host.has(flag::FAILED_OUTLIER_CHECK) {
                changed |= self.eject(host, reason, hosts);
            }
        }
        changed
    }
}

/// The mean, and the rate below which a host is an outlier: the mean less some standard deviations.
#[allow(clippy::cast_precision_loss)]
fn mean_and_least(rates: &[f64], factor: f64) -> (f64, f64) {
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
    (mean, mean - factor * variance.sqrt())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::cluster::{Choice, Cluster};

    fn cluster(count: u16, outlier: &serde_json::Value) -> Arc<Cluster> {
        let hosts: Vec<(&str, u16, u32)> = (1..=count).map(|port| ("10.0.0.1", port, 1)).collect();
        apply(&json!({"name": "c", "load_assignment": assignment(&hosts), "outlier_detection": outlier}), &build())
    }

    fn ejected(cluster: &Cluster) -> Vec<u16> {
        let hosts = cluster.hosts();
        let hosts = hosts.iter().filter(|host| host.has(flag::FAILED_OUTLIER_CHECK));
        hosts.filter_map(|host| host.address.port()).collect()
    }

    async fn wait(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
        for _ in 0..8 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn errors_in_a_row_eject_and_time_lets_back_in() {
        let cluster = cluster(4, &json!({"consecutive_5xx": 3, "max_ejection_percent": 50}));
        let host = cluster.hosts()[0].clone();
        for status in [500, 500, 200, 500, 500] {
            cluster.report(&host, Outcome::Response(status), None);
        }
        assert!(ejected(&cluster).is_empty(), "a success ended the run");
        cluster.report(&host, Outcome::Failed, None);
        wait(0).await;
        assert_eq!(ejected(&cluster), [1]);
        for random in 0..32 {
            assert_ne!(cluster.pick(&Choice { random, ..Choice::default() }).unwrap().address.port(), Some(1));
        }
        assert_eq!(cluster.scope.gauge("outlier_detection.ejections_active").value(), 1);
        let counts = [&host.stats.rq_success, &host.stats.rq_error]
            .map(|count| count.load(std::sync::atomic::Ordering::Relaxed));
        assert_eq!(counts, [1, 5]);
        for _ in 0..2 {
            wait(10).await;
        }
        assert_eq!(ejected(&cluster), [1], "20 s of 30");
        wait(10).await;
        assert!(ejected(&cluster).is_empty());
        for _ in 0..3 {
            cluster.report(&host, Outcome::Response(503), None);
        }
        for _ in 0..4 {
            wait(10).await;
        }
        assert_eq!(ejected(&cluster), [1], "the second time is longer");
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_ejected() {
        let cluster = cluster(10, &json!({"consecutive_5xx": 1}));
        for host in cluster.hosts() {
            cluster.report(&host, Outcome::Response(500), None);
        }
        assert_eq!(ejected(&cluster).len(), 1, "10 percent");
        assert_eq!(cluster.scope.counter("outlier_detection.ejections_overflow").value(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn local_failures_may_have_their_own_count() {
        let cluster = cluster(
            2,
            &json!({
            "consecutive_local_origin_failure": 2, "split_external_local_origin_errors": true, "max_ejection_percent": 100}),
        );
        let host = cluster.hosts()[1].clone();
        cluster.report(&host, Outcome::Failed, None);
        cluster.report(&host, Outcome::Response(200), None);
        cluster.report(&host, Outcome::Timeout(None), None);
        assert_eq!(ejected(&cluster), [2], "a response does not end the run");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_succeeds_less_than_the_others_is_an_outlier() {
        for (percent, expected) in [(10, &[][..]), (20, &[3][..])] {
            let cluster = cluster(
                5,
                &json!({
                "success_rate_request_volume": 10, "consecutive_5xx": 1000, "max_ejection_percent": percent}),
            );
            wait(0).await;
            for host in cluster.hosts() {
                for turn in 0..20 {
                    let bad = host.address.port() == Some(3) && turn % 2 == 0;
                    cluster.report(&host, Outcome::Response(if bad { 500 } else { 200 }), None);
                }
            }
            wait(11).await;
            assert_eq!(ejected(&cluster), expected, "{percent} percent of five hosts");
            assert!((cluster.hosts()[2].monitor.success_rate(Origin::External) - 50.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_threshold_is_the_mean_less_deviations() {
        let (mean, least) = mean_and_least(&[50.0, 100.0, 100.0, 100.0, 100.0], 1.9);
        assert!((mean - 90.0).abs() < 1e-9 && (least - 52.0).abs() < 1e-9);
    }
}

//! Which balancer a cluster uses: `lb_policy` with its own messages, or `load_balancing_policy` with extensions.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Host;
use crate::cluster::host::flag;
use crate::proto::Reader;

use super::extension;
use super::hashed::Consistent;
use super::least_request::LeastRequest;
use super::listed::ListedHosts;
use super::maglev::MaglevConfig;
use super::peak_ewma::PeakEwma;
use super::ring_hash::RingHashConfig;
use super::slow_start::SlowStart;
use super::subset::SubsetConfig;

/// How a host is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// One after the other, by weight.
    RoundRobin(Option<SlowStart>),
    /// The one with the fewest requests on their way, of a few.
    LeastRequest(LeastRequest),
    /// Any.
    Random,
    /// By hash, on a ring.
    RingHash(RingHashConfig),
    /// By hash, in a table.
    Maglev(MaglevConfig),
    /// The one that answers faster, of two.
    PeakEwma(PeakEwma),
    /// Within the subset that the request names.
    Subset(Box<SubsetConfig>),
    /// The cluster itself knows (ORIGINAL_DST).
    Provided,
}

impl Policy {
    /// How fast measured latencies fade; none when the policy needs no latencies.
    pub fn decay(&self) -> Option<Duration> {
        match self {
            Self::PeakEwma(rules) => Some(rules.decay),
            Self::Subset(subset) => subset.child.policy.decay(),
            _ => None,
        }
    }

    /// Whether it looks at the hash of a request.
    pub fn hashes(&self) -> bool {
        match self {
            Self::RingHash(_) | Self::Maglev(_) => true,
            Self::Subset(subset) => subset.child.policy.hashes(),
            _ => false,
        }
    }

    /// Slow start of the policy, or of the one within it.
    pub fn slow_start(&self) -> Option<&SlowStart> {
        match self {
            Self::RoundRobin(slow) => slow.as_ref(),
            Self::LeastRequest(least) => least.slow.as_ref(),
            Self::Subset(subset) => subset.child.policy.slow_start(),
            _ => None,
        }
    }
}

/// How localities take part.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum LocalityPolicy {
    /// Not at all.
    #[default]
    Ignored,
    /// By the weights of the localities.
    Weighted,
}

/// What the balancer of a cluster does.
#[derive(Debug, Clone, PartialEq)]
pub struct LbConfig {
    /// How a host is chosen.
    pub policy: Policy,
    /// How localities take part.
    pub locality: LocalityPolicy,
    /// Below this percentage of usable hosts health is ignored (50).
    pub panic_threshold: f64,
    /// In panic requests fail instead.
    pub fail_on_panic: bool,
    /// Requests may list hosts that come first.
    pub listed: Option<Arc<ListedHosts>>,
    /// Which hosts a session may stick to, whatever the policy.
    pub sticky: StickyStatus,
}

/// How a host has to do for a session to stay with it: `override_host_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StickyStatus {
    healthy: bool,
    degraded: bool,
    unhealthy: bool,
    draining: bool,
}

impl Default for StickyStatus {
    fn default() -> Self {
        Self { healthy: true, degraded: true, unhealthy: false, draining: false }
    }
}

impl StickyStatus {
    fn read(reader: &Reader<'_>) -> Self {
        let listed = reader.numbers("statuses");
        // By number: UNKNOWN, HEALTHY, UNHEALTHY, DRAINING, TIMEOUT, DEGRADED.
        let any = |numbers: &[u64]| numbers.iter().any(|number| listed.contains(number));
        Self { healthy: any(&[0, 1]), unhealthy: any(&[2, 4]), draining: any(&[3]), degraded: any(&[5]) }
    }

    /// Whether a session may stay with the host as it is now.
    pub fn takes(self, host: &Host) -> bool {
        if host.has(flag::FAILED_ACTIVE_HC | flag::FAILED_OUTLIER_CHECK | flag::FAILED_EDS_HEALTH) {
            self.unhealthy
        } else if host.has(flag::EDS_STATUS_DRAINING) {
            self.draining
        } else if host.has(flag::DEGRADED_ACTIVE_HC | flag::DEGRADED_EDS_HEALTH) {
            self.degraded
        } else {
            self.healthy
        }
    }
}

/// What `common_lb_config` says.
#[derive(Debug, Default)]
struct Common {
    panic_threshold: Option<f64>,
    locality: LocalityPolicy,
    fail_on_panic: bool,
    consistent: Consistent,
    sticky: StickyStatus,
    /// Whether something is set that `load_balancing_policy` says itself.
    partial: bool,
}

impl Common {
    fn read(cluster: &Reader<'_>) -> Self {
        let Some(reader) = cluster.message("common_lb_config") else { return Self::default() };
        // Updates are applied one by one, as they come: nothing waits to be merged.
        reader.ignore(&["update_merge_window"]);
        // Read with the health checks, and with the rest of the cluster.
        reader.ignore(&["ignore_new_hosts_until_first_hc", "close_connections_on_host_set_change"]);
        let panic_threshold = reader.message("healthy_panic_threshold").map(|percent| {
            let percent = percent.float("value").unwrap_or(0.0);
            percent.round().clamp(0.0, 100.0)
        });
        let sticky = reader.message("override_host_status").map(|status| StickyStatus::read(&status));
        let mut common = Self { panic_threshold, sticky: sticky.unwrap_or_default(), ..Self::default() };
        if let Some(zone) = reader.message("zone_aware_lb_config") {
            common.fail_on_panic = zone_aware(&zone);
            common.partial = true;
        }
        if reader.message("locality_weighted_lb_config").is_some() {
            common.locality = LocalityPolicy::Weighted;
            common.partial = true;
        }
        let consistent = reader.message("consistent_hashing_lb_config");
        common.partial |= consistent.is_some();
        common.consistent = Consistent::read(consistent.as_ref());
        if common.consistent.hostname && cluster.word("type") != "STRICT_DNS" {
            let sentence = "hashing host names is for clusters of type STRICT_DNS";
            reader.defect("consistent_hashing_lb_config", sentence);
        }
        common
    }
}

/// Reads a zone aware configuration and returns whether requests fail in panic. Zones are looked at only when the
/// bootstrap names a local cluster, which it may not: without one, Envoy leaves them alone too.
pub(super) fn zone_aware(zone: &Reader<'_>) -> bool {
    zone.ignore(&["routing_enabled", "min_cluster_size"]);
    zone.flag("fail_traffic_on_panic")
}

impl LbConfig {
    /// A policy with the defaults of everything else.
    pub fn of(policy: Policy) -> Self {
        Self {
            policy,
            locality: LocalityPolicy::Ignored,
            panic_threshold: 50.0,
            fail_on_panic: false,
            listed: None,
            sticky: StickyStatus::default(),
        }
    }

    /// Reads what a cluster says about balancing. None: a defect was noted.
    pub fn read(cluster: &Reader<'_>) -> Option<Self> {
        let common = Common::read(cluster);
        let threshold = common.panic_threshold.unwrap_or(50.0);
        let word = cluster.word("lb_policy");
        if cluster.has("load_balancing_policy") || word == "LOAD_BALANCING_POLICY_CONFIG" {
            return Self::read_extensions(cluster, &common, threshold);
        }
        let child = Self {
            policy: Self::read_policy(cluster, &word, common.consistent)?,
            locality: common.locality,
            panic_threshold: threshold,
            fail_on_panic: common.fail_on_panic,
            sticky: common.sticky,
            listed: None,
        };
        let subset = cluster.message("lb_subset_config");
        Some(match subset.filter(|subset| subset.has("subset_selectors") || !subset_is_off(subset)) {
            Some(subset) => Self {
                sticky: child.sticky,
                policy: Policy::Subset(Box::new(SubsetConfig::read(&subset, child, false))),
                ..Self::of(Policy::Provided)
            },
            None => child,
        })
    }

    fn read_extensions(cluster: &Reader<'_>, common: &Common, threshold: f64) -> Option<Self> {
        if common.partial {
            let sentence = "zone_aware_lb_config, locality_weighted_lb_config and consistent_hashing_lb_config do not go \
                            with load_balancing_policy, which says them itself";
            cluster.defect("common_lb_config", sentence);
            return None;
        }
        if cluster.has("lb_subset_config") {
            cluster.defect("lb_subset_config", "does not go with load_balancing_policy");
            return None;
        }
        let read = extension::read(&cluster.need("load_balancing_policy")?, threshold)?;
        Some(Self { sticky: common.sticky, ..read })
    }

    fn read_policy(cluster: &Reader<'_>, word: &str, consistent: Consistent) -> Option<Policy> {
        Some(match word {
            "ROUND_ROBIN" => {
                let config = cluster.message("round_robin_lb_config");
                Policy::RoundRobin(config.and_then(|config| SlowStart::read(&config)))
            }
            "LEAST_REQUEST" => {
                let config = cluster.message("least_request_lb_config");
                Policy::LeastRequest(config.map_or(LeastRequest::plain(), |config| LeastRequest::read(&config, false)))
            }
            "RANDOM" => Policy::Random,
            "RING_HASH" => {
                Policy::RingHash(RingHashConfig::read(cluster.message("ring_hash_lb_config").as_ref(), consistent)?)
            }
            "MAGLEV" => Policy::Maglev(MaglevConfig::read(cluster.message("maglev_lb_config").as_ref(), consistent)?),
            "CLUSTER_PROVIDED" => Policy::Provided,
            other => {
                cluster.defect("lb_policy", format!("the proxy does not have {other}"));
                return None;
            }
        })
    }
}

/// Without selectors subsets are off, as in Envoy; what else the message says has no effect then.
fn subset_is_off(subset: &Reader<'_>) -> bool {
    subset.ignore_all();
    true
}

//! Which balancer a cluster uses, and what all balancers have in common.

use crate::proto::Reader;

/// How a host is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// One after the other, by weight.
    RoundRobin,
    /// The cluster itself knows (ORIGINAL_DST).
    Provided,
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
}

impl LbConfig {
    /// Reads what a cluster says about balancing.
    pub fn read(cluster: &Reader<'_>) -> Option<Self> {
        let policy = match cluster.word("lb_policy").as_str() {
            "ROUND_ROBIN" => Policy::RoundRobin,
            "CLUSTER_PROVIDED" => Policy::Provided,
            other => {
                cluster.defect("lb_policy", format!("the proxy does not have {other}"));
                return None;
            }
        };
        Some(Self { policy, locality: LocalityPolicy::Ignored, panic_threshold: 50.0, fail_on_panic: false })
    }
}

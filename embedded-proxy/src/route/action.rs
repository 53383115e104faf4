//! What a route does with a request that it took.

use std::sync::Arc;

use http::StatusCode;

use super::{
    ClusterName, Connect, DirectResponse, HashPolicies, HostRewrite, InternalRedirects, Mirror, PathMatch, PathRewrite,
    RateLimits, Redirect, RetryPolicy, RouteTimeouts, Upgrade, WeightedClusters, weighted,
};
use crate::cluster::pool::Priority;
use crate::proto::Reader;
use crate::services::Build;

/// The action of a route.
#[derive(Debug)]
pub enum Action {
    /// The request goes to a cluster.
    Forward(Box<Forward>),
    /// The answer is a redirect.
    Redirect(Box<Redirect>),
    /// The answer stands in the configuration.
    Direct(DirectResponse),
    /// A filter is expected to answer.
    NonForwarding,
}

/// Which cluster.
#[derive(Debug)]
pub enum Target {
    /// One, named here or by a header.
    One(ClusterName),
    /// Several by weight.
    Weighted(WeightedClusters),
}

/// `RouteAction`.
#[derive(Debug)]
pub struct Forward {
    /// Where to.
    pub target: Target,
    /// Status when the cluster does not exist.
    pub missing_cluster: StatusCode,
    /// Subset of the cluster's hosts.
    pub subset: Vec<(String, serde_json::Value)>,
    /// Rewrite of the path.
    pub path: Option<PathRewrite>,
    /// Rewrite of the host.
    pub host: Option<HostRewrite>,
    /// Whether a rewritten host is kept in `x-forwarded-host`.
    pub forwarded_host: bool,
    /// Timeouts.
    pub timeouts: RouteTimeouts,
    /// Retries; none: those of the virtual host count.
    pub retry: Option<Arc<RetryPolicy>>,
    /// Copies sent elsewhere; empty: those of the virtual host count.
    pub mirrors: Vec<Mirror>,
    /// Which thresholds of circuit breakers count.
    pub priority: Priority,
    /// Descriptors for rate limits.
    pub rate_limits: RateLimits,
    /// Whether the rate limits of the virtual host count too.
    pub include_host_limits: bool,
    /// How requests are hashed for hashing balancers.
    pub hash: HashPolicies,
    /// Upgrades that differ from the connection manager's.
    pub upgrades: Vec<Upgrade>,
    /// Redirects of the upstream that the proxy follows itself.
    pub internal_redirects: Option<InternalRedirects>,
}

impl Action {
    /// Reads the `action` of a `Route`.
    pub fn read(reader: &Reader<'_>, path: &PathMatch, limit: u64, build: &Build) -> Option<Self> {
        match reader.choice("action").as_deref() {
            Some("route") => Some(Self::Forward(Box::new(Forward::read(&reader.message("route")?, path, build)?))),
            Some("redirect") => Some(Self::Redirect(Box::new(Redirect::read(&reader.message("redirect")?)?))),
            Some("direct_response") => {
                Some(Self::Direct(DirectResponse::read(&reader.message("direct_response")?, limit)?))
            }
            Some("non_forwarding_action") => {
                reader.ignore(&["non_forwarding_action"]); // An empty message: that it is set says all.
                Some(Self::NonForwarding)
            }
            Some(other) => {
                reader.defect(other, "the proxy does not have this action");
                None
            }
            None => {
                reader.defect("", "says no action");
                None
            }
        }
    }
}

impl Forward {
    fn read(reader: &Reader<'_>, path: &PathMatch, build: &Build) -> Option<Self> {
        // The first is harmless as TLS early data is not accepted at all; how long a codec flushes is its own matter.
        reader.ignore(&["early_data_policy", "flush_timeout"]);
        reader.ignore(&["cors"]); // The route takes it as configuration of the cors filter.
        let target = Target::read(reader, build);
        let rewrite = PathRewrite::read(reader, path);
        let host = HostRewrite::read(reader);
        let retry = match reader.message("retry_policy") {
            Some(retry) => RetryPolicy::read(&retry).map(|policy| Some(Arc::new(policy))),
            None => Some(None),
        };
        let mirrors = Mirror::read_all(reader);
        let rate_limits = RateLimits::read(reader, "rate_limits");
        let hash = HashPolicies::read(reader);
        let upgrades = Upgrade::read_all(reader);
        let redirects = read_redirects(reader);
        let subset = weighted::read_subset(reader);
        let forwarded_host = reader.flag("append_x_forwarded_host");
        let timeouts = RouteTimeouts::read(reader);
        let include_host_limits = reader.flag("include_vh_rate_limits");
        let priority = if reader.word("priority") == "HIGH" { Priority::High } else { Priority::Default };
        let missing_cluster = match reader.word("cluster_not_found_response_code").as_str() {
            "NOT_FOUND" => StatusCode::NOT_FOUND,
            "INTERNAL_SERVER_ERROR" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Some(Self {
            target: target?,
            missing_cluster,
            subset,
            path: rewrite?,
            host: host?,
            forwarded_host,
            timeouts,
            retry: retry?,
            mirrors: mirrors?,
            priority,
            rate_limits: rate_limits?,
            include_host_limits,
            hash: hash?,
            upgrades: upgrades?,
            internal_redirects: redirects?,
        })
    }

    /// Whether the route allows an upgrade: none when it does not say and the connection manager's word counts.
    pub fn allows_upgrade(&self, kind: &str) -> Option<bool> {
        self.upgrades.iter().find(|upgrade| upgrade.kind.eq_ignore_ascii_case(kind)).map(|upgrade| upgrade.enabled)
    }

    /// How requests of that method end here, if they do: their bytes go to a TCP connection.
    pub fn ends(&self, method: &http::Method) -> Option<&Connect> {
        self.upgrades.iter().find_map(|upgrade| upgrade.connect.as_ref()).filter(|connect| connect.takes(method))
    }
}

#[allow(clippy::option_option)] // None is a defect, Some(None) is no policy.
fn read_redirects(reader: &Reader<'_>) -> Option<Option<InternalRedirects>> {
    match reader.message("internal_redirect_policy") {
        Some(policy) => InternalRedirects::read(&policy).map(Some),
        None => Some(None),
    }
}

impl Target {
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        match reader.choice("cluster_specifier").as_deref() {
            Some("cluster") => Some(Self::One(ClusterName::Fixed(reader.need_text("cluster")?.into()))),
            Some("cluster_header") => {
                Some(Self::One(ClusterName::Header(super::need_field(reader, "cluster_header")?)))
            }
            Some("weighted_clusters") => {
                WeightedClusters::read(&reader.message("weighted_clusters")?, build).map(Self::Weighted)
            }
            Some(other) => {
                reader.defect(other, "the proxy does not have this way to choose a cluster");
                None
            }
            None => {
                reader.defect("", "says no cluster");
                None
            }
        }
    }

    /// The clusters that the configuration names.
    pub fn names(&self) -> Vec<&Arc<str>> {
        match self {
            Self::One(one) => one.fixed().into_iter().collect(),
            Self::Weighted(weighted) => weighted.clusters.iter().filter_map(|cluster| cluster.name.fixed()).collect(),
        }
    }
}

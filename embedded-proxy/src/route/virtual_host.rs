//! A virtual host: the domains it serves and its routes in order.

use std::sync::Arc;

use super::entry::{read_buffer_limit, refuse_specifiers};
use super::table::Shared;
use super::{HeaderEdits, Input, Mirror, PerFilter, RateLimits, RetryPolicy, Route, RouteStats, TrafficStats};
use crate::cluster::{Metadata, read_metadata};
use crate::matching::HeaderMatcher;
use crate::proto::Reader;
use crate::services::Build;

/// Which requests have to come over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequireTls {
    /// None.
    No,
    /// Those from outside (`x-envoy-internal` is missing).
    External,
    /// All.
    All,
}

/// Requests that are counted under a name of their own.
#[derive(Debug)]
struct VirtualCluster {
    name: Arc<str>,
    headers: Vec<HeaderMatcher>,
    stats: Arc<TrafficStats>,
}

/// A virtual host.
#[derive(Debug)]
pub struct VirtualHost {
    /// Name.
    pub name: Arc<str>,
    /// Domains as configured.
    pub domains: Vec<String>,
    /// Routes in order: the first that takes a request counts.
    pub routes: Vec<Route>,
    /// Which requests have to come over TLS.
    pub require_tls: RequireTls,
    /// Header edits.
    pub edits: HeaderEdits,
    /// Configuration of single filters.
    pub filters: PerFilter,
    /// Retries of routes that have none.
    pub retry: Option<Arc<RetryPolicy>>,
    /// Copies of routes that have none.
    pub mirrors: Vec<Mirror>,
    /// Descriptors for rate limits.
    pub rate_limits: RateLimits,
    /// Whether requests carry `x-envoy-attempt-count`.
    pub count_attempts: bool,
    /// Whether responses carry it.
    pub count_attempts_in_response: bool,
    /// Whether retries after a timeout carry `x-envoy-is-timeout-retry`.
    pub tell_timeout_retry: bool,
    /// Most bytes of a request's body that are kept for retries and copies.
    pub buffer_limit: Option<u64>,
    /// Metadata by namespace.
    pub metadata: Arc<Metadata>,
    virtual_clusters: Vec<VirtualCluster>,
    other: Option<Arc<TrafficStats>>,
    /// What `require_tls` answers with.
    pub(super) to_https: Option<Box<Route>>,
}

impl VirtualHost {
    pub(super) fn read(reader: &Reader<'_>, shared: Shared, build: &Build) -> Option<Self> {
        refuse_specifiers(reader);
        refuse(reader);
        let name = reader.need_text("name");
        let domains = reader.texts("domains");
        if domains.is_empty() {
            reader.defect("domains", "must not be empty");
        }
        let stats = RouteStats::of_host(name.as_deref().unwrap_or_default(), build);
        let routes: Vec<_> =
            reader.list("routes").iter().map(|route| Route::read(route, &stats, shared, build)).collect();
        let virtual_clusters: Vec<_> =
            reader.list("virtual_clusters").iter().map(|cluster| VirtualCluster::read(cluster, &stats)).collect();
        let virtual_clusters: Option<Vec<VirtualCluster>> = virtual_clusters.into_iter().collect();
        let edits = HeaderEdits::read(reader);
        let filters = PerFilter::read(reader, build).and_then(|filters| filters.with_cors(reader, build));
        let retry = match reader.message("retry_policy") {
            Some(retry) => RetryPolicy::read(&retry).map(|policy| Some(Arc::new(policy))),
            None => Some(None),
        };
        let mirrors = Mirror::read_all(reader);
        let rate_limits = RateLimits::read(reader, "rate_limits");
        let require_tls = match reader.word("require_tls").as_str() {
            "EXTERNAL_ONLY" => RequireTls::External,
            "ALL" => RequireTls::All,
            _ => RequireTls::No,
        };
        let count_attempts = reader.flag("include_request_attempt_count");
        let count_attempts_in_response = reader.flag("include_attempt_count_in_response");
        let tell_timeout_retry = reader.flag("include_is_timeout_retry_header");
        let buffer_limit = read_buffer_limit(reader);
        let metadata = Arc::new(read_metadata(reader.message("metadata")));
        let virtual_clusters = virtual_clusters?;
        Some(Self {
            name: name?.into(),
            domains,
            routes: routes.into_iter().collect::<Option<_>>()?,
            require_tls,
            edits: edits?,
            filters: filters?,
            retry: retry?,
            mirrors: mirrors?,
            rate_limits: rate_limits?,
            count_attempts,
            count_attempts_in_response,
            tell_timeout_retry,
            buffer_limit,
            metadata,
            other: (!virtual_clusters.is_empty()).then(|| stats.virtual_cluster("other")),
            virtual_clusters,
            to_https: (require_tls != RequireTls::No).then(|| Box::new(Route::to_https())),
        })
    }

    /// Name and stats of the virtual cluster that a request belongs to; none when there are none at all.
    pub fn virtual_cluster(&self, input: &Input<'_>) -> Option<(&str, &Arc<TrafficStats>)> {
        let matches = |cluster: &&VirtualCluster| cluster.headers.iter().all(|header| header.matches(input.head));
        match self.virtual_clusters.iter().find(matches) {
            Some(cluster) => Some((&cluster.name, &cluster.stats)),
            None => self.other.as_ref().map(|stats| ("other", stats)),
        }
    }

    /// Whether a request that came without TLS has to come again over it.
    pub(super) fn wants_tls(&self, input: &Input<'_>) -> bool {
        match self.require_tls {
            RequireTls::No => false,
            RequireTls::All => input.head.scheme != "https",
            RequireTls::External => input.head.scheme != "https" && !is_internal(input),
        }
    }
}

/// Whether the connection manager found the request to come from inside.
fn is_internal(input: &Input<'_>) -> bool {
    input.head.headers.get(&super::names::INTERNAL).is_some_and(|value| value == "true")
}

/// What changes where requests go or how, and what the proxy does not have.
fn refuse(reader: &Reader<'_>) {
    for field in ["hedge_policy", "retry_policy_typed_config", "matcher"] {
        if reader.has(field) {
            reader.defect(field, "the proxy does not have this feature");
        }
    }
}

impl VirtualCluster {
    fn read(reader: &Reader<'_>, host: &RouteStats) -> Option<Self> {
        let name = reader.need_text("name");
        let headers = HeaderMatcher::read_all(&reader.list("headers"));
        if headers.as_ref().is_some_and(Vec::is_empty) {
            reader.defect("headers", "must not be empty");
        }
        let name = name?;
        Some(Self { stats: host.virtual_cluster(&name), name: name.into(), headers: headers? })
    }
}

//! Settings of the mesh as a whole.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{LogFormat, Name, OutboundPolicy, Provider, Retry, Share, TlsVersion};

/// Settings of the mesh as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Trust domain of identities.
    pub trust_domain: Name,
    /// Trust domains whose identities count as those of the mesh's own.
    pub trust_domain_aliases: BTreeSet<Name>,
    /// DNS suffix of the cluster.
    pub domain: Name,
    /// Namespace of the control plane and of mesh-wide configuration.
    pub root_namespace: Name,
    /// Traffic to unknown addresses.
    pub outbound: OutboundPolicy,
    /// Callers use mutual TLS by themselves where the endpoint takes it.
    pub auto_mutual_tls: bool,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// How long the first bytes are waited for where the protocol is to be seen from them; zero waits without end.
    pub detection_timeout: Duration,
    /// Time between two questions for DNS names.
    pub dns_refresh: Duration,
    /// Retries of HTTP routes that say nothing.
    pub retry: Option<Retry>,
    /// Access log of proxies for which no telemetry says anything: file and format.
    pub access_log: Option<(Name, LogFormat)>,
    /// Names of the default providers of access logs, traces and metrics.
    pub default_logs: Vec<Name>,
    /// Of traces.
    pub default_tracing: Vec<Name>,
    /// Of metrics.
    pub default_metrics: Vec<Name>,
    /// Share of requests that begin a trace.
    pub sampling: Share,
    /// Providers.
    pub providers: Vec<Provider>,
    /// Oldest TLS version between proxies of the mesh.
    pub min_tls: TlsVersion,
    /// What is done to paths before they are matched.
    pub paths: PathRules,
    /// Nearest endpoints first, where there is outlier detection.
    pub locality_balancing: bool,
    /// Time that connections have when their listener goes.
    pub drain: Duration,
}

/// What is done to paths before they are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathRules {
    /// Nothing.
    None,
    /// As RFC 3986 says: dot segments are resolved.
    Base,
    /// And several slashes become one.
    MergeSlashes,
    /// And `%2F` and `%5C` are decoded.
    DecodeAndMergeSlashes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trust_domain: "cluster.local".into(),
            trust_domain_aliases: BTreeSet::new(),
            domain: "cluster.local".into(),
            root_namespace: "istio-system".into(),
            outbound: OutboundPolicy::Allow,
            auto_mutual_tls: true,
            connect_timeout: Duration::from_secs(10),
            detection_timeout: Duration::ZERO,
            dns_refresh: Duration::from_secs(60),
            retry: None,
            access_log: None,
            default_logs: Vec::new(),
            default_tracing: Vec::new(),
            default_metrics: Vec::new(),
            sampling: Share::percent(1.0),
            providers: Vec::new(),
            min_tls: TlsVersion::V12,
            paths: PathRules::Base,
            locality_balancing: true,
            drain: Duration::from_secs(45),
        }
    }
}

//! Upstream clusters: where requests go, which host is chosen, and what keeps failing hosts away.

mod assignment;
mod breakers;
#[allow(clippy::module_inception)]
mod cluster;
mod config;
mod discovery;
mod error;
mod health;
mod host;
mod hosts;
mod lb;
mod manager;
mod members;
mod outlier;
pub mod pool;
mod private;
mod requests;
mod stats;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use assignment::struct_value;
pub use assignment::{
    CheckTarget, Endpoint, EndpointAddress, EndpointHealth, LoadAssignment, Locality, LocalityEndpoints, Metadata,
    read_metadata,
};
pub use breakers::{BreakerConfig, Breakers, Limit, Permit, RetryBudget, Thresholds};
pub use cluster::{Choice, Cluster};
pub use config::{ClusterConfig, Settings};
pub use discovery::{
    Answer as DnsAnswer, Discovery, DnsConfig, DnsServers, EdsConfig, Family, Lookup, OriginalDstConfig,
};
pub use error::{UpstreamError, UpstreamErrorKind};
pub use health::{CheckKind, HealthConfig};
pub use host::{Health, Host, HostStats, flag};
pub use hosts::{HostList, LocalityHosts, PriorityHosts};
pub use lb::{
    Avoid, Consistent, Fallback, LbConfig, LeastRequest, ListedHosts, LocalityPolicy, MaglevConfig, PeakEwma, Policy,
    PreviousPriorities, RingHashConfig, Selector, SlowStart, StickyStatus, SubsetConfig,
};
pub use manager::Clusters;
pub use outlier::{Monitor, Origin as FailureOrigin, Outcome, OutlierConfig};
pub use pool::{Answer, ConnectFacts, Priority, SendOptions, Upstream};
pub use private::PrivateCluster;
pub use requests::{Origin, RequestStats};
pub use stats::ClusterStats;

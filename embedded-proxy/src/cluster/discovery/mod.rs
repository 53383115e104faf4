//! Where the hosts of a cluster come from: its configuration, the control plane, DNS, or the connections themselves.

mod dns;
mod dns_config;
mod eds;
mod original_dst;
mod resolver;

use std::sync::Arc;

use crate::cluster::{Cluster, LoadAssignment};
use crate::proto::Reader;
use crate::services::Services;

pub use dns_config::{DnsConfig, DnsServers, Family};
pub use eds::EdsConfig;
pub use original_dst::{OriginalDst, OriginalDstConfig};
pub use resolver::{Answer, Lookup, SystemLookup};

/// The kinds of discovery.
#[derive(Debug, Clone, PartialEq)]
pub enum Discovery {
    /// The configuration names them.
    Static(LoadAssignment),
    /// The control plane delivers them.
    Eds(EdsConfig),
    /// DNS knows them; every address is a host.
    StrictDns(LoadAssignment, DnsConfig),
    /// DNS knows them; there is one host, at the first address.
    LogicalDns(LoadAssignment, DnsConfig),
    /// The addresses that clients wanted to reach.
    OriginalDst(OriginalDstConfig),
}

const DNS: &str = "envoy.extensions.clusters.dns.v3.DnsCluster";
const ORIGINAL_DST: &str = "envoy.extensions.clusters.original_dst.v3.OriginalDstCluster";

impl Discovery {
    /// Reads type and sources of a cluster. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let assignment = reader.message("load_assignment").map(|assignment| LoadAssignment::read_named(&assignment));
        let assignment = match assignment {
            Some(assignment) => assignment?,
            None => LoadAssignment::default(),
        };
        // Idle hosts of ORIGINAL_DST are removed on this interval; other kinds have none.
        let cleanup = reader.duration("cleanup_interval").unwrap_or(original_dst::CLEANUP);
        if let Some(kind) = reader.message("cluster_type") {
            kind.ignore(&["name"]); // The type of the configuration decides.
            let (name, config) = kind.any("typed_config")?;
            return match name.as_str() {
                DNS => Self::dns(reader, assignment, DnsConfig::read_extension(&config)),
                ORIGINAL_DST => Some(Self::OriginalDst(OriginalDstConfig::read(&config, cleanup))),
                _ => {
                    kind.defect("typed_config", format!("the proxy does not have the cluster type {name}"));
                    None
                }
            };
        }
        match reader.word("type").as_str() {
            "EDS" => EdsConfig::read(reader).map(Self::Eds),
            "ORIGINAL_DST" => {
                let config = reader.message("original_dst_lb_config");
                Some(Self::OriginalDst(match config {
                    Some(config) => OriginalDstConfig::read(&config, cleanup),
                    None => OriginalDstConfig::new(cleanup),
                }))
            }
            "STRICT_DNS" => Self::dns(reader, assignment, DnsConfig::read(reader, false)),
            "LOGICAL_DNS" => Self::dns(reader, assignment, DnsConfig::read(reader, true)),
            _ => Self::fixed(reader, assignment),
        }
    }

    fn fixed(reader: &Reader<'_>, assignment: LoadAssignment) -> Option<Self> {
        // The lookup family means nothing without lookups.
        reader.ignore(&["dns_lookup_family"]);
        if let Some(host) = assignment.names().next() {
            let sentence = format!("{host:?} is no IP address: names need type STRICT_DNS or LOGICAL_DNS");
            reader.defect("load_assignment", sentence);
            return None;
        }
        Some(Self::Static(assignment))
    }

    fn dns(reader: &Reader<'_>, assignment: LoadAssignment, config: DnsConfig) -> Option<Self> {
        if !config.logical {
            return Some(Self::StrictDns(assignment, config));
        }
        if assignment.localities.len() != 1 || assignment.localities[0].endpoints.len() != 1 {
            reader.defect("load_assignment", "LOGICAL_DNS must have a single locality with a single endpoint");
            return None;
        }
        if !assignment.localities[0].endpoints[0].additional.is_empty() {
            reader.defect("load_assignment", "additional addresses are not for endpoints found by DNS");
            return None;
        }
        Some(Self::LogicalDns(assignment, config))
    }

    /// Whether an address that comes twice is one host.
    pub fn is_dynamic(&self) -> bool {
        !matches!(self, Self::Static(_))
    }

    /// Starts to look for hosts.
    pub fn start(&self, cluster: &Arc<Cluster>, services: &Services) {
        match self {
            Self::Static(assignment) => {
                cluster.assign(assignment);
                cluster.found();
            }
            Self::Eds(config) => eds::start(cluster, config, services),
            Self::StrictDns(assignment, config) | Self::LogicalDns(assignment, config) => {
                let lookup = services.clusters.lookup(&config.servers);
                dns::start(cluster, assignment, config, &lookup, services);
            }
            Self::OriginalDst(config) => {
                original_dst::start(cluster, config, services);
                cluster.found();
            }
        }
    }
}

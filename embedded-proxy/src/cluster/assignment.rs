//! The endpoints of a cluster: `envoy.config.endpoint.v3.ClusterLoadAssignment`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::net::Address;
use crate::proto::{Fraction, Reader, to_json};

/// Metadata by namespace (`envoy.lb`, `istio`).
pub type Metadata = BTreeMap<String, Value>;

/// Region, zone and sub-zone; texts are empty when not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    /// Region.
    pub region: Arc<str>,
    /// Zone.
    pub zone: Arc<str>,
    /// Sub-zone.
    pub sub_zone: Arc<str>,
}

/// An address as configured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointAddress {
    /// One to connect to.
    At(Address),
    /// A name to look up, for DNS clusters.
    Name {
        /// The name.
        host: String,
        /// Port.
        port: u16,
    },
}

/// What the control plane says of an endpoint's health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndpointHealth {
    /// Takes traffic (`UNKNOWN` and `HEALTHY`).
    #[default]
    Healthy,
    /// Takes traffic when the healthy ones are too few.
    Degraded,
    /// Takes none (`UNHEALTHY`, `TIMEOUT`).
    Unhealthy,
    /// Takes no new traffic.
    Draining,
}

/// Where and whether an endpoint is health checked, as far as it differs from the endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckTarget {
    /// Port, 0 for the endpoint's own.
    pub port: u16,
    /// Host name to send, empty for the check's own.
    pub hostname: String,
    /// Address to check instead of the endpoint's.
    pub address: Option<EndpointAddress>,
    /// Not checked at all.
    pub disabled: bool,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Address.
    pub address: EndpointAddress,
    /// More addresses of the same endpoint, in the order to try them.
    pub additional: Vec<EndpointAddress>,
    /// Host name, for `auto_host_rewrite`, hashing and health checks.
    pub hostname: Option<Arc<str>>,
    /// Weight among the endpoints of its locality, at least 1.
    pub weight: u32,
    /// Health said by the control plane.
    pub health: EndpointHealth,
    /// Metadata.
    pub metadata: Arc<Metadata>,
    /// Health check overrides.
    pub check: CheckTarget,
}

/// The endpoints of one locality at one priority.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalityEndpoints {
    /// Where they are.
    pub locality: Locality,
    /// Priority, 0 first.
    pub priority: u32,
    /// Weight among the localities of the priority; none takes no part in locality weighted balancing.
    pub weight: Option<u32>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// Endpoints by locality and priority, and what concerns all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadAssignment {
    /// Name of the cluster, or the service name for EDS.
    pub cluster_name: String,
    /// Endpoints in the order given.
    pub localities: Vec<LocalityEndpoints>,
    /// Shares of requests to drop, by category.
    pub drop_overloads: Vec<(String, Fraction)>,
    /// Healthy hosts count as this many percent before a priority overflows (140).
    pub overprovisioning_factor: u32,
    /// When nothing new arrives for this long, the endpoints count as stale.
    pub stale_after: Option<Duration>,
    /// Priorities count the weights of hosts instead of the hosts.
    pub weighted_priority_health: bool,
}

impl Default for LoadAssignment {
    fn default() -> Self {
        Self {
            cluster_name: String::new(),
            localities: Vec::new(),
            drop_overloads: Vec::new(),
            overprovisioning_factor: 140,
            stale_after: None,
            weighted_priority_health: false,
        }
    }
}

impl EndpointAddress {
    /// The address, none for a name.
    pub fn known(&self) -> Option<&Address> {
        match self {
            Self::At(address) => Some(address),
            Self::Name { .. } => None,
        }
    }

    /// Reads `envoy.config.core.v3.Address`: unix sockets, and TCP addresses with a number as port.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        match reader.choice("address").as_deref() {
            Some("pipe") => return read_pipe(&reader.message("pipe")?).map(Self::At),
            Some("envoy_internal_address") => {
                return read_internal(&reader.message("envoy_internal_address")?).map(Self::At);
            }
            _ => {}
        }
        let socket = reader.need("socket_address")?;
        if socket.word("protocol") == "UDP" {
            socket.defect("protocol", "endpoints are reached over TCP only");
        }
        // A resolver by name is an extension that Envoy does not ship; IPv4-mapped addresses work without being asked for.
        socket.ignore(&["ipv4_compat"]);
        let host = socket.need_text("address")?;
        if socket.has("named_port") {
            socket.defect("named_port", "the port must be a number");
            return None;
        }
        let port = socket.u32("port_value").unwrap_or(0);
        let Ok(port) = u16::try_from(port) else {
            socket.defect("port_value", "must be at most 65535");
            return None;
        };
        Some(match host.parse::<IpAddr>() {
            Ok(ip) => Self::At(SocketAddr::new(ip, port).into()),
            Err(_) => Self::Name { host, port },
        })
    }
}

/// A listener inside the proxy.
fn read_internal(reader: &Reader<'_>) -> Option<Address> {
    let listener = reader.need_text("server_listener_name")?.into();
    Some(Address::Internal { listener, endpoint: reader.text("endpoint_id").into() })
}

/// A unix socket to connect to.
fn read_pipe(reader: &Reader<'_>) -> Option<Address> {
    // The permissions of a socket are those that its listener sets.
    reader.ignore(&["mode"]);
    let path = reader.need_text("path")?;
    Address::pipe(&path).map_err(|error| reader.defect("path", error)).ok()
}

impl std::fmt::Display for EndpointAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl Locality {
    /// From its three texts.
    pub fn new(region: &str, zone: &str, sub_zone: &str) -> Self {
        Self { region: region.into(), zone: zone.into(), sub_zone: sub_zone.into() }
    }

    /// Reads `envoy.config.core.v3.Locality`.
    pub fn read(reader: &Reader<'_>) -> Self {
        Self::new(&reader.text("region"), &reader.text("zone"), &reader.text("sub_zone"))
    }
}

/// Reads `envoy.config.core.v3.Metadata`. Typed metadata is left out: nothing in the proxy looks at it.
pub fn read_metadata(reader: Option<Reader<'_>>) -> Metadata {
    let Some(reader) = reader else { return Metadata::new() };
    reader.ignore(&["typed_filter_metadata"]);
    let structs = reader.map("filter_metadata");
    structs.into_iter().map(|(name, value)| (name, struct_value(&value))).collect()
}

/// A `google.protobuf.Struct` as JSON.
pub fn struct_value(reader: &Reader<'_>) -> Value {
    reader.ignore_all();
    to_json(reader.raw())
}

fn read_health(reader: &Reader<'_>) -> EndpointHealth {
    match reader.word("health_status").as_str() {
        "UNHEALTHY" | "TIMEOUT" => EndpointHealth::Unhealthy,
        "DRAINING" => EndpointHealth::Draining,
        "DEGRADED" => EndpointHealth::Degraded,
        _ => EndpointHealth::Healthy,
    }
}

fn read_check(reader: &Reader<'_>) -> CheckTarget {
    let port = reader.u32("port_value").unwrap_or(0);
    if port > 65535 {
        reader.defect("port_value", "must be at most 65535");
    }
    CheckTarget {
        port: u16::try_from(port).unwrap_or(0),
        hostname: reader.text("hostname"),
        address: reader.message("address").and_then(|address| EndpointAddress::read(&address)),
        disabled: reader.flag("disable_active_health_check"),
    }
}

impl Endpoint {
    /// An endpoint at an address with weight 1 and nothing else.
    pub fn at(address: impl Into<Address>) -> Self {
        Self {
            address: EndpointAddress::At(address.into()),
            additional: Vec::new(),
            hostname: None,
            weight: 1,
            health: EndpointHealth::Healthy,
            metadata: Arc::default(),
            check: CheckTarget::default(),
        }
    }

    /// Reads `envoy.config.endpoint.v3.Endpoint`; what `LbEndpoint` adds has its default.
    fn read(reader: &Reader<'_>) -> Option<Self> {
        // Only names series in stats per endpoint, which the proxy does not make.
        reader.ignore(&["observability_name"]);
        let address = EndpointAddress::read(&reader.need("address")?)?;
        let additional = reader.list("additional_addresses");
        let additional = additional.iter().filter_map(|more| EndpointAddress::read(&more.need("address")?)).collect();
        Some(Self {
            address,
            additional,
            hostname: reader.opt_text("hostname").map(Into::into),
            weight: 1,
            health: EndpointHealth::Healthy,
            metadata: Arc::default(),
            check: reader.message("health_check_config").map(|check| read_check(&check)).unwrap_or_default(),
        })
    }

    fn read_lb(reader: &Reader<'_>, named: &BTreeMap<String, Self>) -> Option<Self> {
        let base = match reader.opt_text("endpoint_name") {
            Some(name) => {
                let found = named.get(&name).cloned();
                if found.is_none() {
                    reader.defect("endpoint_name", format!("there is no endpoint {name:?} in named_endpoints"));
                }
                found?
            }
            None => Self::read(&reader.need("endpoint")?)?,
        };
        let weight = reader.u32("load_balancing_weight");
        if weight == Some(0) {
            reader.defect("load_balancing_weight", "must be at least 1");
        }
        Some(Self {
            weight: weight.unwrap_or(1),
            health: read_health(reader),
            metadata: Arc::new(read_metadata(reader.message("metadata"))),
            ..base
        })
    }
}

impl LocalityEndpoints {
    fn read(reader: &Reader<'_>, named: &BTreeMap<String, Endpoint>) -> Self {
        // Metadata of a locality is for extensions, proximity is kept by Envoy but used by no balancer.
        reader.ignore(&["metadata", "proximity"]);
        let mut endpoints = reader.list("lb_endpoints");
        if let Some(list) = reader.message("load_balancer_endpoints") {
            endpoints.extend(list.list("lb_endpoints"));
        }
        let priority = reader.u32("priority").unwrap_or(0);
        if priority > 128 {
            reader.defect("priority", "must be at most 128");
        }
        let weight = reader.u32("load_balancing_weight");
        if weight == Some(0) {
            reader.defect("load_balancing_weight", "must be at least 1");
        }
        Self {
            locality: reader.message("locality").map(|locality| Locality::read(&locality)).unwrap_or_default(),
            priority: priority.min(128),
            weight,
            endpoints: endpoints.iter().filter_map(|endpoint| Endpoint::read_lb(endpoint, named)).collect(),
        }
    }
}

impl LoadAssignment {
    /// Reads a `envoy.config.endpoint.v3.ClusterLoadAssignment` that the control plane delivers: all addresses must be IP
    /// addresses.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let assignment = Self::read_named(reader)?;
        if let Some(host) = assignment.names().next() {
            reader.defect("endpoints", format!("{host:?} is no IP address"));
            return None;
        }
        Some(assignment)
    }

    /// Reads the same where names may stand: in a cluster.
    pub fn read_named(reader: &Reader<'_>) -> Option<Self> {
        let cluster_name = reader.need_text("cluster_name")?;
        let mut named = BTreeMap::new();
        for (name, endpoint) in reader.map("named_endpoints") {
            if let Some(endpoint) = Endpoint::read(&endpoint) {
                named.insert(name, endpoint);
            }
        }
        let localities = reader.list("endpoints");
        let mut assignment = Self {
            cluster_name,
            localities: localities.iter().map(|locality| LocalityEndpoints::read(locality, &named)).collect(),
            ..Self::default()
        };
        if let Some(policy) = reader.message("policy") {
            assignment.read_policy(&policy);
        }
        assignment.check_priorities(reader);
        Some(assignment)
    }

    fn read_policy(&mut self, policy: &Reader<'_>) {
        for overload in policy.list("drop_overloads") {
            let share = overload.fraction("drop_percentage");
            if let (Some(category), Some(share)) = (overload.need_text("category"), share) {
                self.drop_overloads.push((category, share));
            }
        }
        if let Some(factor) = policy.u32("overprovisioning_factor") {
            if factor == 0 {
                policy.defect("overprovisioning_factor", "must be greater than 0");
            }
            self.overprovisioning_factor = factor;
        }
        self.stale_after = policy.duration("endpoint_stale_after");
        self.weighted_priority_health = policy.flag("weighted_priority_health");
    }

    /// The weights of the localities of a priority must add up to 32 bits, like Envoy demands it.
    fn check_priorities(&self, reader: &Reader<'_>) {
        let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
        for locality in &self.localities {
            let sum = sums.entry(locality.priority).or_default();
            *sum += u64::from(locality.weight.unwrap_or(0));
            let hosts: u64 = locality.endpoints.iter().map(|endpoint| u64::from(endpoint.weight)).sum();
            if *sum > u64::from(u32::MAX) || hosts > u64::from(u32::MAX) {
                reader.defect("endpoints", format!("the weights at priority {} exceed 4294967295", locality.priority));
            }
        }
    }

    /// All endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.localities.iter().flat_map(|locality| &locality.endpoints)
    }

    /// The names that must be looked up, in order; the same one may come again.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.endpoints().filter_map(|endpoint| match &endpoint.address {
            EndpointAddress::Name { host, .. } => Some(host.as_str()),
            EndpointAddress::At(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defect, Defects, from_json};

    fn read(value: &Value) -> Result<LoadAssignment, Vec<Defect>> {
        let message = from_json("envoy.config.endpoint.v3.ClusterLoadAssignment", value).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "", &defects);
        let read = LoadAssignment::read(&reader);
        drop(reader);
        defects.verdict(read)
    }

    fn socket(address: &str, port: u16) -> Value {
        json!({"socket_address": {"address": address, "port_value": port}})
    }

    #[test]
    fn everything_an_assignment_says_is_read() {
        let read = read(&json!({
            "cluster_name": "reviews",
            "endpoints": [
                {"locality": {"region": "r", "zone": "z", "sub_zone": "s"}, "load_balancing_weight": 3, "priority": 1, "lb_endpoints": [
                    {"endpoint": {"address": socket("10.0.0.1", 80), "hostname": "a", "health_check_config": {"port_value": 81}},
                     "health_status": "DRAINING", "load_balancing_weight": 5,
                     "metadata": {"filter_metadata": {"envoy.lb": {"version": "v1"}}}},
                    {"endpoint_name": "n"},
                ]},
            ],
            "named_endpoints": {"n": {"address": socket("::1", 9)}},
            "policy": {"drop_overloads": [{"category": "x", "drop_percentage": {"numerator": 7}}], "overprovisioning_factor": 200, "endpoint_stale_after": "5s"},
        }))
        .unwrap();
        let locality = &read.localities[0];
        assert_eq!((locality.priority, locality.weight), (1, Some(3)));
        assert_eq!(locality.locality, Locality::new("r", "z", "s"));
        let first = &locality.endpoints[0];
        assert_eq!((first.weight, first.health, first.check.port), (5, EndpointHealth::Draining, 81));
        assert_eq!(first.metadata["envoy.lb"], json!({"version": "v1"}));
        assert_eq!(locality.endpoints[1].address.to_string(), "[::1]:9");
        assert_eq!(read.drop_overloads, [("x".to_string(), Fraction { numerator: 7, denominator: 100 })]);
        assert_eq!((read.overprovisioning_factor, read.stale_after), (200, Some(Duration::from_secs(5))));
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        let defects = read(&json!({
            "cluster_name": "c",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"envoy_internal_address": {"endpoint_id": "x"}}}}, {"endpoint_name": "gone"}]},
                {"leds_cluster_locality_config": {"leds_collection_name": "l"}},
            ],
        }))
        .unwrap_err();
        let paths: Vec<&str> = defects.iter().map(|defect| defect.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "endpoints[0].lb_endpoints[0].endpoint.address.envoy_internal_address.server_listener_name",
                "endpoints[0].lb_endpoints[1].endpoint_name",
                "endpoints[1].leds_cluster_locality_config",
            ]
        );
    }
}

//! Clusters of the inbound side: from the proxy to the process beside it.

use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster,
    cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy},
};
use envoy_types::pb::envoy::config::core::v3::{Address, BindConfig, SocketAddress, socket_address::PortSpecifier};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint::HostIdentifier,
};

use super::ports::{Port, Process};
use crate::ir::{EndpointAddress, Pool, Protocol, TrafficPolicy};
use crate::xds::outbound::{HTTP_OPTIONS, circuit_breakers, http_options};
use crate::xds::proto::{any, duration, endpoint_address, ordered};
use crate::xds::{Kind, Resource, Snapshot, View};

/// For what comes to a port that no service has.
pub const PASSTHROUGH: &str = "InboundPassthroughCluster";
/// The address from which the proxy connects to the process: the rules of redirection let it pass.
const OWN: [&str; 2] = ["127.0.0.6", "::6"];

/// The cluster of a port.
pub fn of_port(view: &View<'_>, port: &Port, out: &mut Snapshot) {
    let pool = port.pool.clone().unwrap_or_default();
    let mut cluster = base(view, port.name(), port.protocol, &pool);
    match &port.process {
        Process::Original => original(view, &mut cluster),
        Process::Address(address) => {
            fixed(&mut cluster, Some(endpoint_address(&EndpointAddress::Ip(address.ip()), address.port())));
        }
        Process::Unix(path) => fixed(&mut cluster, Some(endpoint_address(&EndpointAddress::Unix(path.clone()), 0))),
        Process::Unknown => fixed(&mut cluster, None),
    }
    out.insert(Kind::Cluster, Resource::new(cluster.name.clone(), &cluster, port.origins.clone()));
}

/// The clusters that are always there.
pub fn fallbacks(view: &View<'_>, out: &mut Snapshot) {
    let mut cluster = base(view, PASSTHROUGH.to_owned(), Protocol::Detect, &Pool::default());
    original(view, &mut cluster);
    out.insert(Kind::Cluster, Resource::new(cluster.name.clone(), &cluster, Vec::new()));
}

fn base(view: &View<'_>, name: String, protocol: Protocol, pool: &Pool) -> Cluster {
    let policy = TrafficPolicy { pool: Some(pool.clone()), ..TrafficPolicy::default() };
    let options = http_options(protocol, pool).map(|options| (HTTP_OPTIONS.to_owned(), any(&options)));
    Cluster {
        name,
        connect_timeout: Some(duration(pool.connect_timeout.unwrap_or(view.mesh.settings.connect_timeout))),
        circuit_breakers: Some(circuit_breakers(&policy)),
        typed_extension_protocol_options: ordered(options),
        ..Cluster::default()
    }
}

/// On to where the connection was going.
fn original(view: &View<'_>, cluster: &mut Cluster) {
    cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into()));
    cluster.lb_policy = LbPolicy::ClusterProvided.into();
    let is_ipv6 = view.node.addresses.first().is_some_and(std::net::IpAddr::is_ipv6);
    let source = SocketAddress {
        address: OWN[usize::from(is_ipv6)].to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(0)),
        ..SocketAddress::default()
    };
    cluster.upstream_bind_config = Some(BindConfig { source_address: Some(source), ..BindConfig::default() });
}

fn fixed(cluster: &mut Cluster, address: Option<Address>) {
    cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into()));
    let endpoint = |address| LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(Endpoint { address: Some(address), ..Endpoint::default() })),
        ..LbEndpoint::default()
    };
    let place =
        |address| LocalityLbEndpoints { lb_endpoints: vec![endpoint(address)], ..LocalityLbEndpoints::default() };
    cluster.load_assignment = Some(ClusterLoadAssignment {
        cluster_name: cluster.name.clone(),
        endpoints: address.into_iter().map(place).collect(),
        ..ClusterLoadAssignment::default()
    });
}

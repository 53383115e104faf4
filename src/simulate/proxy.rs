//! A proxy on the way of a request: its configuration, and the objects that would serve with it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use embedded_proxy::bootstrap;
use embedded_proxy::offline::{Offline, Resource};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::{
    HealthStatus, Metadata, address::Address, socket_address::PortSpecifier,
};
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, LbEndpoint, lb_endpoint::HostIdentifier};
use envoy_types::pb::google::protobuf::{Struct, value};

use crate::ir::{Enrolment, Key, Mesh, Workload};
use crate::xds::{Interception, Kind, Node, NodeKind, Snapshot, xds};

/// A proxy.
pub struct Proxy {
    /// Where it stands.
    pub node: Node,
    /// What it serves with.
    pub offline: Offline,
    clusters: BTreeMap<String, Cluster>,
    assignments: BTreeMap<String, ClusterLoadAssignment>,
}

/// An address behind a cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// Address, when it is one of IP.
    pub address: Option<SocketAddr>,
    /// The address as people write it.
    pub text: String,
    /// Its workload.
    pub workload: Option<Key>,
    /// What transport sockets are chosen by.
    pub transport: Struct,
    /// Whether it takes traffic.
    pub healthy: bool,
}

/// The node of a workload's proxy.
pub fn node(mesh: &Mesh, workload: &Arc<Workload>) -> Node {
    let kind = if workload.enrolment == Enrolment::Gateway { NodeKind::Gateway } else { NodeKind::Sidecar };
    let word = if kind == NodeKind::Gateway { "router" } else { "sidecar" };
    let Key { namespace, name } = &workload.key;
    let address = workload.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Node {
        id: format!("{word}~{address}~{name}.{namespace}~{namespace}.svc.{}", mesh.settings.domain).into(),
        kind,
        workload: Arc::clone(workload),
        gateway: workload.gateway.clone(),
        addresses: workload.addresses.iter().copied().collect(),
        interception: Interception::Redirect,
        version: "".into(),
        metadata: serde_json::Value::Null,
    }
}

impl Proxy {
    /// The proxy of a workload.
    pub fn of(mesh: &Mesh, workload: &Arc<Workload>) -> Option<Self> {
        let node = node(mesh, workload);
        let snapshot = xds(mesh, &node);
        let offline = Offline::read(bootstrap_node(&node), &resources(&snapshot)).ok()?;
        Some(Self {
            node,
            offline,
            clusters: decoded(&snapshot, Kind::Cluster, |cluster: &Cluster| cluster.name.clone()),
            assignments: decoded(&snapshot, Kind::Endpoints, |one: &ClusterLoadAssignment| one.cluster_name.clone()),
        })
    }

    /// A cluster.
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.get(name)
    }

    /// The hosts of a cluster.
    pub fn hosts(&self, cluster: &Cluster) -> Vec<Host> {
        let by_name = cluster.eds_cluster_config.as_ref().map(|eds| match eds.service_name.as_str() {
            "" => cluster.name.as_str(),
            name => name,
        });
        let assignment = match by_name {
            Some(name) => self.assignments.get(name),
            None => cluster.load_assignment.as_ref(),
        };
        let localities = assignment.map(|assignment| assignment.endpoints.as_slice()).unwrap_or_default();
        localities.iter().flat_map(|locality| &locality.lb_endpoints).filter_map(host).collect()
    }
}

fn bootstrap_node(node: &Node) -> bootstrap::Node {
    bootstrap::Node { id: node.id.to_string(), cluster: node.workload.key.to_string(), ..bootstrap::Node::default() }
}

fn resources(snapshot: &Snapshot) -> Vec<Resource> {
    let kinds = [
        (Kind::Listener, embedded_proxy::xds::Kind::Listener),
        (Kind::Route, embedded_proxy::xds::Kind::Route),
        (Kind::Extension, embedded_proxy::xds::Kind::Extension),
    ];
    let of_kind = |(kind, other)| {
        snapshot.all(kind).map(move |resource| Resource {
            kind: other,
            name: resource.name.to_string(),
            bytes: resource.body.clone(),
        })
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn decoded<M: prost::Message + Default>(
    snapshot: &Snapshot,
    kind: Kind,
    name: impl Fn(&M) -> String,
) -> BTreeMap<String, M> {
    let all = snapshot.all(kind).filter_map(|resource| M::decode(resource.body.clone()).ok());
    all.map(|message| (name(&message), message)).collect()
}

fn host(endpoint: &LbEndpoint) -> Option<Host> {
    let Some(HostIdentifier::Endpoint(inner)) = &endpoint.host_identifier else { return None };
    let (address, text) = match inner.address.as_ref()?.address.as_ref()? {
        Address::SocketAddress(socket) => {
            let port = match socket.port_specifier {
                Some(PortSpecifier::PortValue(port)) => u16::try_from(port).unwrap_or_default(),
                _ => 0,
            };
            let ip: Option<IpAddr> = socket.address.parse().ok();
            let address = ip.map(|ip| SocketAddr::new(ip, port));
            (address, address.map_or_else(|| format!("{}:{port}", socket.address), |address| address.to_string()))
        }
        Address::Pipe(pipe) => (None, format!("unix://{}", pipe.path)),
        Address::EnvoyInternalAddress(_) => return None,
    };
    let unhealthy = [HealthStatus::Unhealthy, HealthStatus::Draining, HealthStatus::Timeout];
    Some(Host {
        address,
        text,
        workload: workload(endpoint.metadata.as_ref()),
        transport: filter(endpoint.metadata.as_ref(), "envoy.transport_socket_match").cloned().unwrap_or_default(),
        healthy: !unhealthy.iter().any(|status| *status as i32 == endpoint.health_status),
    })
}

fn filter<'m>(metadata: Option<&'m Metadata>, name: &str) -> Option<&'m Struct> {
    metadata?.filter_metadata.get(name)
}

/// `WORKLOAD;NAMESPACE;...`
fn workload(metadata: Option<&Metadata>) -> Option<Key> {
    let value = filter(metadata, "istio")?.fields.get("workload")?;
    let Some(value::Kind::StringValue(text)) = &value.kind else { return None };
    let mut parts = text.split(';');
    let (name, namespace) = (parts.next()?, parts.next()?);
    Some(Key::new(namespace, name))
}

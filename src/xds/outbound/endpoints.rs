//! The endpoints of a service, by locality, for each port and subset.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::{HealthStatus, Locality as Place, Metadata};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint as Address, LbEndpoint, LocalityLbEndpoints, lb_endpoint::HostIdentifier,
};

use super::super::proto::{endpoint_address, number, ordered, text_struct};
use super::super::{Kind, Resource, Snapshot, View};
use super::{locality, name, ports};
use crate::ir::{Endpoint, EndpointAddress, Health, Key, Locality, Mesh, Resolution, Service, ServicePort, Subset};

/// One assignment for each cluster of the service whose endpoints come this way.
pub fn endpoints(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    if !matches!(service.resolution, Resolution::Endpoints | Resolution::Headless) {
        return;
    }
    let policy = view.destination(service);
    let subsets = policy.map(|policy| policy.subsets.as_slice()).unwrap_or_default();
    for port in ports(service) {
        for subset in std::iter::once(None).chain(subsets.iter().map(|subset| Some(&**subset))) {
            let name = name::cluster(port.number, subset.map(|subset| &*subset.name), &service.key.name);
            let assignment = ClusterLoadAssignment {
                cluster_name: name.clone(),
                endpoints: localities(view, service, port, subset),
                ..ClusterLoadAssignment::default()
            };
            out.insert(Kind::Endpoints, Resource::new(name, &assignment, vec![service.origin.clone()]));
        }
    }
}

/// The endpoints of a port and subset, grouped by locality in a fixed order.
pub fn localities(
    view: &View<'_>,
    service: &Service,
    port: &ServicePort,
    subset: Option<&Subset>,
) -> Vec<LocalityLbEndpoints> {
    let all = view.mesh.endpoints.get(&service.key).into_iter().flat_map(|endpoints| endpoints.iter());
    let chosen = all.filter(|endpoint| subset.is_none_or(|subset| subset.endpoints.holds(&endpoint.labels)));
    let mut by_place: BTreeMap<&Locality, Vec<LbEndpoint>> = BTreeMap::new();
    for endpoint in chosen {
        // A unix socket has no port; every other endpoint that does not listen for the port is none of it.
        let target = match endpoint.address {
            EndpointAddress::Unix(_) => Some(0),
            _ => endpoint.port(port.number),
        };
        if let Some(target) = target {
            by_place.entry(&endpoint.locality).or_default().push(one(view.mesh, service, endpoint, target));
        }
    }
    let mut groups: Vec<_> = by_place.into_iter().map(|(place, endpoints)| group(place, endpoints)).collect();
    let policy = view.traffic(service, subset.map(|subset| &*subset.name), port.number);
    locality::apply(view, &policy, &mut groups);
    groups
}

fn group(place: &Locality, endpoints: Vec<LbEndpoint>) -> LocalityLbEndpoints {
    let weights = endpoints.iter().filter_map(|endpoint| endpoint.load_balancing_weight).map(|weight| weight.value);
    let total = weights.fold(0u32, u32::saturating_add);
    LocalityLbEndpoints {
        locality: Some(Place {
            region: place.region.to_string(),
            zone: place.zone.to_string(),
            sub_zone: place.sub_zone.to_string(),
        }),
        load_balancing_weight: Some(number(total.max(1))),
        lb_endpoints: endpoints,
        ..LocalityLbEndpoints::default()
    }
}

fn one(mesh: &Mesh, service: &Service, endpoint: &Endpoint, target: u16) -> LbEndpoint {
    let mut metadata = Vec::new();
    if endpoint.mutual_tls {
        metadata.push(("envoy.transport_socket_match".to_owned(), text_struct([("tlsMode", "istio")])));
    }
    if let Some(key) = &endpoint.workload {
        metadata.push(("istio".to_owned(), text_struct([("workload", workload(mesh, key, service))])));
    }
    let health = match endpoint.health {
        Health::Healthy => HealthStatus::Unknown,
        Health::Draining => HealthStatus::Draining,
        Health::Unhealthy => HealthStatus::Unhealthy,
    };
    LbEndpoint {
        health_status: health.into(),
        metadata: (!metadata.is_empty())
            .then(|| Metadata { filter_metadata: ordered(metadata), ..Metadata::default() }),
        load_balancing_weight: Some(number(endpoint.weight.max(1))),
        host_identifier: Some(HostIdentifier::Endpoint(Address {
            address: Some(endpoint_address(&endpoint.address, target)),
            ..Address::default()
        })),
    }
}

/// `WORKLOAD;NAMESPACE;CANONICAL NAME;CANONICAL REVISION;CLUSTER`, as Istio's telemetry reads it.
fn workload(mesh: &Mesh, key: &Key, service: &Service) -> String {
    let labels = mesh.workload(key).map(|workload| &workload.labels);
    let label = |names: &[&str]| {
        labels.and_then(|labels| names.iter().find_map(|name| labels.get(*name))).map(ToString::to_string)
    };
    let names = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
    let revisions = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];
    let name = label(&names).unwrap_or_else(|| key.name.to_string());
    let revision = label(&revisions).unwrap_or_else(|| "latest".to_owned());
    let cluster = service.origin.object.as_ref().map(|object| object.cluster.to_string()).filter(|c| !c.is_empty());
    format!("{};{};{name};{revision};{}", key.name, key.namespace, cluster.as_deref().unwrap_or("Kubernetes"))
}

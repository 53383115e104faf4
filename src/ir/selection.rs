//! The endpoints of services that select workloads, where no list of endpoints is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Endpoint, EndpointAddress, Enrolment, Health, Key, Mesh, Name, Resolution, Service, TargetPort, Workload};

/// Works out endpoints, and tells workloads which services select them.
pub(super) fn select_endpoints(mesh: &mut Mesh) {
    let mut services_of: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
    let by_namespace = by_namespace(mesh);
    for (key, service) in &mesh.services {
        let Some(selector) = &service.selector else { continue };
        let candidates = by_namespace.get(&key.namespace).into_iter().flatten();
        let selected: Vec<&Arc<Workload>> = candidates.filter(|workload| selector.holds(&workload.labels)).collect();
        for workload in &selected {
            services_of.entry(workload.key.clone()).or_default().insert(key.clone());
        }
        let worked_out = !matches!(service.resolution, Resolution::Original);
        if worked_out && !mesh.endpoints.contains_key(key) {
            let endpoints = selected.iter().flat_map(|w| endpoints(service, w, &mesh.settings.trust_domain)).collect();
            mesh.endpoints.insert(key.clone(), Arc::new(endpoints));
        }
    }
    for (service, endpoints) in &mesh.endpoints {
        for workload in endpoints.iter().filter_map(|endpoint| endpoint.workload.as_ref()) {
            services_of.entry(workload.clone()).or_default().insert(service.clone());
        }
    }
    for (key, services) in services_of {
        if let Some(workload) = mesh.workloads.get_mut(&key) {
            Arc::make_mut(workload).services.extend(services);
        }
    }
}

fn by_namespace(mesh: &Mesh) -> BTreeMap<Name, Vec<Arc<Workload>>> {
    let mut by_namespace: BTreeMap<Name, Vec<Arc<Workload>>> = BTreeMap::new();
    for (key, workload) in &mesh.workloads {
        by_namespace.entry(key.namespace.clone()).or_default().push(Arc::clone(workload));
    }
    by_namespace
}

/// One endpoint an address of the workload.
fn endpoints(service: &Service, workload: &Workload, trust_domain: &str) -> Vec<Endpoint> {
    let ports: Vec<(u16, u16)> =
        service.ports.iter().filter_map(|port| Some((port.number, target(&port.target, workload)?))).collect();
    let one = |address: &std::net::IpAddr| Endpoint {
        address: EndpointAddress::Ip(*address),
        ports: ports.clone(),
        labels: workload.labels.clone(),
        locality: workload.locality.clone(),
        network: workload.network.clone(),
        weight: 1,
        identity: workload.identity.spiffe(trust_domain).into(),
        workload: Some(workload.key.clone()),
        mutual_tls: workload.enrolment == Enrolment::Sidecar && !service.external,
        health: Health::Healthy,
        origin: workload.origin.clone(),
    };
    workload.addresses.iter().map(one).collect()
}

fn target(port: &TargetPort, workload: &Workload) -> Option<u16> {
    match port {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Named(name) => workload.ports.iter().find(|port| port.name == *name).map(|port| port.number),
    }
}

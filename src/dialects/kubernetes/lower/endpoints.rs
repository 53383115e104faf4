//! Endpoints and EndpointSlice: the addresses behind Services, when the input has them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use crate::dialects::kubernetes::types::{EndpointSlice, SlicePort};
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{
    Builder, Endpoint, EndpointAddress, Enrolment, Health, Key, Labels, Locality, Name, Origin, Service, TargetPort,
    Workload,
};
use crate::schema::Text;

/// Label of slices: the Service they belong to.
const SERVICE: &str = "kubernetes.io/service-name";

/// Slices of a Service are one list. Endpoints, the older form, counts only for Services without slices.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let workloads = by_address(mesh);
    let mut found: BTreeMap<Key, Vec<Endpoint>> = BTreeMap::new();
    for slice in &input.model.endpoint_slices {
        let Some(name) = slice.meta.labels.text(SERVICE) else { continue };
        let Some(service) = service(mesh, &slice.meta.namespace, name) else { continue };
        let origin = input.origins.object(&slice.meta);
        found.entry(service.key.clone()).or_default().extend(of_slice(mesh, &workloads, &service, slice, &origin));
    }
    for object in &input.model.endpoints {
        let Some(service) = service(mesh, &object.meta.namespace, object.meta.name()) else { continue };
        if found.contains_key(&service.key) {
            continue;
        }
        let origin = input.origins.object(&object.meta);
        let subsets = object.spec.subsets.iter();
        let endpoints = subsets.flat_map(|subset| {
            let ports = targets(&service, &subset.ports.items);
            let ready = subset.addresses.iter().map(|address| (address, Health::Healthy));
            let all = ready.chain(subset.not_ready_addresses.iter().map(|address| (address, Health::Unhealthy)));
            let all: Vec<_> = all.filter_map(|(a, health)| Some((a.ip.as_ref()?.as_str(), health))).collect();
            all.into_iter()
                .filter_map(|(ip, health)| endpoint(mesh, &workloads, ip, &ports, health, &origin))
                .collect::<Vec<_>>()
        });
        found.insert(service.key.clone(), endpoints.collect());
    }
    for (key, endpoints) in found {
        mesh.mesh.endpoints.insert(key, Arc::new(endpoints));
    }
}

type ByAddress = HashMap<IpAddr, Arc<Workload>>;

fn by_address(mesh: &Builder) -> ByAddress {
    let workloads = mesh.mesh.workloads.values();
    workloads.flat_map(|workload| workload.addresses.iter().map(|ip| (*ip, Arc::clone(workload)))).collect()
}

fn service(mesh: &Builder, namespace: &str, name: &str) -> Option<Arc<Service>> {
    let domain = &mesh.mesh.settings.domain;
    mesh.mesh.services.get(&Key::new(namespace, format!("{name}.{namespace}.svc.{domain}"))).cloned()
}

fn of_slice(
    mesh: &Builder,
    workloads: &ByAddress,
    service: &Service,
    slice: &Object<EndpointSlice>,
    origin: &Origin,
) -> Vec<Endpoint> {
    let ports = targets(service, &slice.spec.ports.items);
    let mut found = Vec::new();
    for item in &slice.spec.endpoints {
        let is = |condition: fn(&crate::dialects::kubernetes::types::SliceConditions) -> Option<bool>| {
            item.conditions.as_ref().and_then(condition)
        };
        let ready = is(|conditions| conditions.ready.as_ref().map(|ready| ready.value)).unwrap_or(true);
        let serving = is(|conditions| conditions.serving.as_ref().map(|serving| serving.value)).unwrap_or(ready);
        let terminating = is(|conditions| conditions.terminating.as_ref().map(|end| end.value)).unwrap_or(false);
        let health = match (ready, serving && terminating) {
            (true, _) => Health::Healthy,
            (false, true) => Health::Draining,
            (false, false) => Health::Unhealthy,
        };
        for address in &item.addresses {
            let Some(mut endpoint) = endpoint(mesh, workloads, address.as_str(), &ports, health, origin) else {
                continue;
            };
            if let Some(zone) = &item.zone
                && endpoint.locality.is_empty()
            {
                endpoint.locality.zone = zone.as_str().into();
            }
            found.push(endpoint);
        }
    }
    found
}

/// For each port of the service the number of the slice's port of the same name.
fn targets(service: &Service, ports: &[SlicePort]) -> Vec<(u16, u16)> {
    let number = |name: &str| {
        let same = ports.iter().find(|port| port.name.as_ref().map_or("", Text::as_str) == name);
        same.and_then(|port| u16::try_from(port.port.as_ref()?.value).ok())
    };
    let one = |port: &crate::ir::ServicePort| {
        let target = number(&port.name).or(match port.target {
            TargetPort::Number(number) if ports.is_empty() => Some(number),
            _ => None,
        });
        Some((port.number, target?))
    };
    service.ports.iter().filter_map(one).collect()
}

fn endpoint(
    mesh: &Builder,
    workloads: &ByAddress,
    address: &str,
    ports: &[(u16, u16)],
    health: Health,
    origin: &Origin,
) -> Option<Endpoint> {
    let ip = address.parse::<IpAddr>().ok();
    let workload = ip.and_then(|ip| workloads.get(&ip));
    let is_address = ip.is_some() || address.contains('.');
    is_address.then(|| Endpoint {
        address: ip.map_or_else(|| EndpointAddress::Dns(address.into()), EndpointAddress::Ip),
        ports: ports.to_vec(),
        labels: workload.map_or_else(Labels::new, |workload| workload.labels.clone()),
        locality: workload.map_or_else(Locality::default, |workload| workload.locality.clone()),
        network: workload.map(|workload| workload.network.clone()).unwrap_or_default(),
        weight: 1,
        identity: workload.map_or_else(Name::default, |w| w.identity.spiffe(&mesh.mesh.settings.trust_domain).into()),
        workload: workload.map(|workload| workload.key.clone()),
        mutual_tls: workload.is_some_and(|workload| workload.enrolment == Enrolment::Sidecar),
        health,
        origin: origin.clone(),
    })
}

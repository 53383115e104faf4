//! WorkloadEntry: a workload outside of pods, and the endpoints that ServiceEntries list in the same form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dialects::istio::types;
use crate::dialects::kubernetes::lower::labels;
use crate::dialects::lower::Input;
use crate::ir::{
    Builder, Endpoint, EndpointAddress, Enrolment, Health, Identity, Key, Locality, Name, Origin, Service, TargetPort,
    Workload, WorkloadPort,
};
use crate::schema::Text;

/// Every WorkloadEntry.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    for object in &input.model.workload_entries {
        let (entry, meta) = (&object.spec, &object.meta);
        let ports = entry.ports.iter().filter_map(|(name, number)| {
            Some(WorkloadPort { number: u16::try_from(number.value).ok()?, name: name.as_str().into() })
        });
        let workload = Workload {
            key: Key::new(&*meta.namespace, meta.name()),
            origin: input.origins.object(meta),
            kind: meta.kind.into(),
            labels: labels(&entry.labels),
            identity: identity(entry, &meta.namespace),
            addresses: entry.address.iter().filter_map(|address| address.as_str().parse().ok()).collect(),
            replicas: 1,
            ports: ports.collect(),
            locality: locality(entry),
            network: text(entry.network.as_ref()),
            // A machine that names an account has a proxy to prove it.
            enrolment: if entry.service_account.is_some() { Enrolment::Sidecar } else { Enrolment::Outside },
            services: BTreeSet::new(),
            gateway: None,
            settings: BTreeMap::new(),
        };
        mesh.mesh.workloads.entry(workload.key.clone()).or_insert_with(|| Arc::new(workload));
    }
}

/// An entry as an endpoint of a service of a namespace. An address that cannot be read gives none.
pub fn endpoint(
    entry: &types::WorkloadEntry,
    service: &Service,
    namespace: &str,
    trust_domain: &str,
    origin: Origin,
) -> Option<Endpoint> {
    let address = entry.address.as_ref()?.as_str();
    let ports = service.ports.iter().map(|port| {
        let own = entry.ports.get(&port.name).and_then(|number| u16::try_from(number.value).ok());
        let usual = match port.target {
            TargetPort::Number(number) => number,
            TargetPort::Named(_) => port.number,
        };
        (port.number, own.unwrap_or(usual))
    });
    let in_mesh = !service.external && entry.service_account.is_some();
    Some(Endpoint {
        address: if let Some(path) = address.strip_prefix("unix://") {
            EndpointAddress::Unix(path.into())
        } else {
            address.parse().map_or_else(|_| EndpointAddress::Dns(address.into()), EndpointAddress::Ip)
        },
        ports: ports.collect(),
        labels: labels(&entry.labels),
        locality: locality(entry),
        network: text(entry.network.as_ref()),
        weight: entry
            .weight
            .as_ref()
            .and_then(|weight| u32::try_from(weight.value).ok())
            .filter(|w| *w > 0)
            .unwrap_or(1),
        identity: if in_mesh { identity(entry, namespace).spiffe(trust_domain).into() } else { Name::default() },
        workload: None,
        mutual_tls: in_mesh,
        health: Health::Healthy,
        origin,
    })
}

fn identity(entry: &types::WorkloadEntry, namespace: &str) -> Identity {
    Identity {
        namespace: namespace.into(),
        account: entry.service_account.as_ref().map_or("default", Text::as_str).into(),
        service: None,
    }
}

fn locality(entry: &types::WorkloadEntry) -> Locality {
    entry.locality.as_ref().map(|text| Locality::parse(text.as_str())).unwrap_or_default()
}

fn text(text: Option<&Text>) -> Name {
    text.map_or("", Text::as_str).into()
}

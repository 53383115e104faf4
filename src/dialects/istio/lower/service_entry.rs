//! ServiceEntry: a service for each of its hosts.

use std::sync::Arc;

use super::workload_entry;
use crate::dialects::istio::types::{self, Resolution as Said, ServiceEntryLocation};
use crate::dialects::kubernetes::lower::{by_name, labels};
use crate::dialects::lower::{Input, visibility};
use crate::dialects::object::Object;
use crate::ir::{
    Builder, Endpoint, EndpointAddress, Health, Key, Labels, Locality, Name, Origin, Predicate, Protocol, Resolution,
    Service, ServiceAddress, ServicePort, TargetPort,
};
use crate::schema::Text;

/// Every ServiceEntry. A service of the same namespace and host that is there already stays.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    for object in &input.model.service_entries {
        let origin = input.origins.object(&object.meta);
        let ports = ports(input, object, &origin);
        for host in &object.spec.hosts {
            let service = service(input, object, host, &ports, &origin);
            if mesh.mesh.services.contains_key(&service.key) {
                continue;
            }
            if service.selector.is_none() {
                let endpoints = endpoints(input, mesh, object, &service, &origin);
                if !endpoints.is_empty() {
                    mesh.mesh.endpoints.insert(service.key.clone(), Arc::new(endpoints));
                }
            }
            mesh.mesh.services.insert(service.key.clone(), Arc::new(service));
        }
    }
}

fn service(
    input: &Input<'_>,
    object: &Object<types::ServiceEntry>,
    host: &Text,
    ports: &[ServicePort],
    origin: &Origin,
) -> Service {
    let (spec, namespace) = (&object.spec, &*object.meta.namespace);
    let external = spec.location.as_ref().is_none_or(|location| location.value == ServiceEntryLocation::MeshExternal);
    let export: Vec<&str> = spec.export_to.iter().map(Text::as_str).collect();
    Service {
        key: Key::new(namespace, host.as_str()),
        origin: input.origins.field(origin, &object.meta, "spec.hosts", host.place),
        aliases: Vec::new(),
        short_name: None,
        addresses: spec.addresses.iter().filter_map(|text| address(text.as_str())).collect(),
        ports: ports.to_vec(),
        resolution: match spec.resolution.as_ref().map(|resolution| resolution.value) {
            Some(Said::Static) => Resolution::Endpoints,
            Some(Said::Dns) => Resolution::Dns,
            Some(Said::DnsRoundRobin) => Resolution::DnsRoundRobin,
            Some(Said::None | Said::DynamicDns) | None => Resolution::Original,
        },
        external,
        identities: spec.subject_alt_names.iter().map(|name| name.as_str().into()).collect(),
        visibility: visibility(export, namespace, &input.default_service_visibility),
        labels: labels(&object.meta.labels),
        prefer_near: false,
        selector: spec.workload_selector.as_ref().map(|selector| Predicate::labels(selector.labels.pairs())),
    }
}

fn address(text: &str) -> Option<ServiceAddress> {
    if let Ok(ip) = text.parse() {
        return Some(ServiceAddress::Ip(ip));
    }
    let network: ipnet::IpNet = text.parse().ok()?;
    let whole = network.prefix_len() == network.max_prefix_len();
    Some(if whole { ServiceAddress::Ip(network.addr()) } else { ServiceAddress::Network(network) })
}

fn ports(input: &Input<'_>, object: &Object<types::ServiceEntry>, origin: &Origin) -> Vec<ServicePort> {
    let ports = object.spec.ports.iter().enumerate();
    ports
        .filter_map(|(at, port)| {
            let number = u16::try_from(port.number.as_ref()?.value).ok()?;
            let place = port.number.as_ref().map_or_else(Default::default, |number| number.place);
            let target = port.target_port.as_ref().and_then(|target| u16::try_from(target.value).ok());
            Some(ServicePort {
                number,
                name: port.name.as_ref().map_or("", Text::as_str).into(),
                protocol: port
                    .protocol
                    .as_ref()
                    .map_or(Protocol::Detect, |word| by_name(word.as_str()).unwrap_or(Protocol::Detect)),
                target: TargetPort::Number(target.unwrap_or(number)),
                origin: input.origins.field(origin, &object.meta, format!("spec.ports[{at}]"), place),
            })
        })
        .collect()
}

/// Those that are listed; without any, a DNS service is its own endpoint.
fn endpoints(
    input: &Input<'_>,
    mesh: &Builder,
    object: &Object<types::ServiceEntry>,
    service: &Service,
    origin: &Origin,
) -> Vec<Endpoint> {
    if object.spec.endpoints.is_empty() && matches!(service.resolution, Resolution::Dns | Resolution::DnsRoundRobin) {
        let targets = service.ports.iter().map(|port| (port.number, number(&port.target)));
        return vec![Endpoint {
            address: EndpointAddress::Dns(service.key.name.clone()),
            ports: targets.collect(),
            labels: Labels::new(),
            locality: Locality::default(),
            network: Name::default(),
            weight: 1,
            identity: Name::default(),
            workload: None,
            mutual_tls: false,
            health: Health::Healthy,
            origin: service.origin.clone(),
        }];
    }
    let trust_domain = &mesh.mesh.settings.trust_domain;
    let listed = object.spec.endpoints.iter().enumerate();
    listed
        .filter_map(|(at, entry)| {
            let place = entry.address.as_ref().map_or_else(Default::default, |address| address.place);
            let origin = input.origins.field(origin, &object.meta, format!("spec.endpoints[{at}]"), place);
            workload_entry::endpoint(entry, service, &object.meta.namespace, trust_domain, origin)
        })
        .collect()
}

fn number(target: &TargetPort) -> u16 {
    match target {
        TargetPort::Number(number) => *number,
        TargetPort::Named(_) => 0,
    }
}

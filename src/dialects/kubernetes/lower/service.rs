//! Service.

use std::sync::Arc;

use super::{labels, of_port};
use crate::dialects::kubernetes::types;
use crate::dialects::lower::{Input, visibility};
use crate::dialects::object::Object;
use crate::ir::{
    Builder, Endpoint, EndpointAddress, Health, Key, Labels, Locality, Name, Origin, Predicate, Resolution, Service,
    ServiceAddress, ServicePort, TargetPort,
};
use crate::schema::{IntOrString, Text};

/// Annotation with a list as in `exportTo`.
const EXPORT_TO: &str = "networking.istio.io/exportTo";
/// Annotation of Services whose callers prefer near endpoints.
const DISTRIBUTION: &str = "networking.istio.io/traffic-distribution";

/// Every Service as a service of the mesh.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    for object in &input.model.services {
        let service = service(input, mesh, object);
        if let Some(name) = external_name(object) {
            let endpoint = external(&service, name);
            mesh.mesh.endpoints.insert(service.key.clone(), Arc::new(vec![endpoint]));
        }
        mesh.mesh.services.entry(service.key.clone()).or_insert_with(|| Arc::new(service));
    }
}

fn service(input: &Input<'_>, mesh: &Builder, object: &Object<types::Service>) -> Service {
    let meta = &object.meta;
    let origin = input.origins.object(meta);
    let (name, namespace) = (meta.name(), &*meta.namespace);
    let domain = &mesh.mesh.settings.domain;
    let spec = object.spec.spec.as_ref();
    let words = meta.annotations.text(EXPORT_TO).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let external = external_name(object).is_some();
    let headless = spec.and_then(|spec| spec.cluster_ip.as_ref()).is_some_and(|ip| ip.as_str() == "None");
    let selector = spec.map(|spec| &spec.selector).filter(|selector| !selector.is_empty() && !external);
    Service {
        key: Key::new(namespace, format!("{name}.{namespace}.svc.{domain}")),
        aliases: vec![format!("{name}.{namespace}").into(), format!("{name}.{namespace}.svc").into()],
        short_name: Some(name.into()),
        addresses: addresses(object),
        ports: ports(input, object, &origin),
        resolution: match (external, headless) {
            (true, _) => Resolution::Dns,
            (false, true) => Resolution::Headless,
            (false, false) => Resolution::Endpoints,
        },
        external,
        identities: Vec::new(),
        visibility: visibility(words.unwrap_or_default(), namespace, &input.default_service_visibility),
        labels: labels(&meta.labels),
        prefer_near: meta.annotations.text(DISTRIBUTION) == Some("PreferClose"),
        selector: selector.map(|selector| Predicate::labels(selector.pairs())),
        origin,
    }
}

fn external_name(object: &Object<types::Service>) -> Option<&str> {
    let spec = object.spec.spec.as_ref()?;
    let is_external = spec.r#type.as_ref().is_some_and(|kind| kind.as_str() == "ExternalName");
    spec.external_name.as_ref().filter(|_| is_external).map(Text::as_str)
}

fn external(service: &Service, name: &str) -> Endpoint {
    Endpoint {
        address: EndpointAddress::Dns(name.into()),
        ports: service.ports.iter().map(|port| (port.number, port.number)).collect(),
        labels: Labels::new(),
        locality: Locality::default(),
        network: Name::default(),
        weight: 1,
        identity: Name::default(),
        workload: None,
        mutual_tls: false,
        health: Health::Healthy,
        origin: service.origin.clone(),
    }
}

fn addresses(object: &Object<types::Service>) -> Vec<ServiceAddress> {
    let Some(spec) = &object.spec.spec else { return Vec::new() };
    let all = spec.cluster_ips.iter().chain(&spec.cluster_ip).chain(&spec.external_ips);
    let mut found: Vec<_> = all.filter_map(|text| text.as_str().parse().ok()).map(ServiceAddress::Ip).collect();
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|address| seen.insert(address.clone()));
    found
}

fn ports(input: &Input<'_>, object: &Object<types::Service>, origin: &Origin) -> Vec<ServicePort> {
    let spec = object.spec.spec.iter();
    let ports = spec.flat_map(|spec| spec.ports.iter().enumerate());
    ports
        .filter_map(|(at, port)| {
            let number = u16::try_from(port.port.as_ref()?.value).ok().filter(|number| *number > 0)?;
            let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
            let name = text(&port.name).unwrap_or_default();
            let transport = text(&port.protocol).unwrap_or_else(|| "TCP".to_owned());
            let place = port.port.as_ref().map_or_else(Default::default, |port| port.place);
            Some(ServicePort {
                number,
                protocol: of_port(&transport, text(&port.app_protocol).as_deref(), &name, number),
                name: name.into(),
                target: match port.target_port.as_ref().map(|target| &target.value) {
                    Some(IntOrString::Int(target)) => TargetPort::Number(u16::try_from(*target).unwrap_or(number)),
                    Some(IntOrString::Text(target)) => TargetPort::Named((&**target).into()),
                    None => TargetPort::Number(number),
                },
                origin: input.origins.field(origin, &object.meta, format!("spec.ports[{at}]"), place),
            })
        })
        .collect()
}

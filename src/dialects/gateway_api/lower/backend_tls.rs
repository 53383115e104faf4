//! BackendTLSPolicy: TLS towards the endpoints of Services. Where the roots are missing nobody is trusted, and nothing is
//! sent in plain.

use std::sync::Arc;

use super::certificates;
use super::grants::Grants;
use super::scope::Refusal;
use crate::dialects::gateway_api::types::{BackendTlsPolicy, ObjectReference};
use crate::dialects::lower::Input;
use crate::dialects::lower::context::Context;
use crate::dialects::object::Object;
use crate::ir::{
    Builder, ClientTls, ClientTlsMode, DestinationPolicy, HostPattern, Key, Mesh, Name, TlsMaterial, TrafficPolicy,
    Visibility,
};
use crate::manifests::source::Place;
use crate::schema::Text;
use crate::schema::values::text_or_empty;

/// Every BackendTLSPolicy, the oldest first: of several for one Service, or one port of it, the first holds.
pub fn lower(input: &Input<'_>, grants: &Grants<'_>, mesh: &mut Builder) {
    let domain = mesh.mesh.settings.domain.clone();
    let mut objects: Vec<&Object<BackendTlsPolicy>> = input.model.backend_tls_policies.iter().collect();
    objects.sort_by_key(|object| (object.meta.created.clone(), object.meta.full_name()));
    for object in objects {
        let cx = Context::new(input, &object.meta, &domain);
        let tls = client_tls(&cx, grants, &mut mesh.mesh, object);
        for (at, target) in object.spec.target_refs.iter().enumerate() {
            let attached = attach(&cx, &mut mesh.mesh, target, &tls);
            if let Err(reason) = attached {
                let refusal = Refusal::new(&format!("spec.targetRefs[{at}]"), target.place, reason);
                mesh.mesh.losses.push(refusal.loss(&cx, "the policy does not hold for it"));
            }
        }
    }
}

fn client_tls(cx: &Context<'_>, grants: &Grants<'_>, mesh: &mut Mesh, object: &Object<BackendTlsPolicy>) -> ClientTls {
    let place = object.spec.validation.as_ref().map_or(Place::default(), |validation| validation.place);
    let base = ClientTls {
        origin: cx.at("spec.validation", place),
        mode: ClientTlsMode::Server,
        // A Secret that cannot exist: without roots no server is trusted.
        material: TlsMaterial::Secret { key: Key::new(cx.namespace(), "missing:roots"), roots: None },
        ..ClientTls::default()
    };
    let mut made = base.clone();
    match fill(cx, grants, mesh, object, &mut made) {
        Ok(()) => made,
        Err(refusal) => {
            mesh.losses.push(refusal.loss(cx, "connections to the Service are refused"));
            ClientTls { server_name: made.server_name, ..base }
        }
    }
}

fn fill(
    cx: &Context<'_>,
    grants: &Grants<'_>,
    mesh: &mut Mesh,
    object: &Object<BackendTlsPolicy>,
    out: &mut ClientTls,
) -> Result<(), Refusal> {
    let path = "spec.validation";
    if let Some(defect) = cx.flaws().iter().next() {
        return Err(Refusal::new(&defect.path, defect.place, crate::dialects::lower::describe(defect)));
    }
    let Some(said) = &object.spec.validation else {
        return Err(Refusal::new(path, Place::default(), "`validation` is not set"));
    };
    let hostname = text_or_empty(said.hostname.as_ref());
    if hostname.is_empty() {
        return Err(Refusal::new(path, said.place, "`hostname` is not set"));
    }
    out.server_name = Some(hostname.into());
    out.names = vec![hostname.into()];
    if said.subject_alt_names.is_set() {
        let names = said.subject_alt_names.iter().map(|name| {
            let text = match name.r#type.as_ref().map_or("", Text::as_str) {
                "Hostname" => text_or_empty(name.hostname.as_ref()),
                "URI" => text_or_empty(name.uri.as_ref()),
                _ => "",
            };
            let refuse = || Refusal::new(path, name.place, "a name must be of the type `Hostname` or `URI`");
            (!text.is_empty()).then(|| Name::from(text)).ok_or_else(refuse)
        });
        let names = names.collect::<Result<Vec<Name>, _>>()?;
        if !names.is_empty() {
            out.names = names;
        }
    }
    let well_known = said.well_known_ca_certificates.as_ref().map(Text::as_str).filter(|word| !word.is_empty());
    match (well_known, said.ca_certificate_refs.is_empty()) {
        (Some("System"), true) => {
            out.system_roots = true;
            out.material = TlsMaterial::None;
        }
        (None, false) => {
            let roots = certificates::roots(cx, grants, mesh, &said.ca_certificate_refs, path)?;
            out.material = TlsMaterial::Secret { key: roots.clone(), roots: Some(roots) };
        }
        _ => {
            let reason = "either `caCertificateRefs` or `wellKnownCACertificates: System` says whom to trust";
            return Err(Refusal::new(path, said.place, reason));
        }
    }
    Ok(())
}

/// The policy on a Service, or on one of its ports. An existing policy of callers keeps what it says of other things.
fn attach(cx: &Context<'_>, mesh: &mut Mesh, target: &ObjectReference, tls: &ClientTls) -> Result<(), String> {
    let kind = text_or_empty(target.kind.as_ref());
    if !text_or_empty(target.group.as_ref()).is_empty() || kind != "Service" {
        return Err(format!("`{kind}` is no Service"));
    }
    let name = text_or_empty(target.name.as_ref());
    let key = Key::new(cx.namespace(), format!("{name}.{}.svc.{}", cx.namespace(), cx.domain));
    let Some(service) = mesh.services.get(&key).cloned() else { return Err(format!("there is no Service `{name}`")) };
    let port = match target.section_name.as_ref().map(Text::as_str) {
        None => None,
        Some(section) => match service.ports.iter().find(|port| &*port.name == section) {
            Some(port) => Some(port.number),
            None => return Err(format!("the Service `{name}` has no port `{section}`")),
        },
    };
    let host = HostPattern(key.name.clone());
    let own = |policy: &Arc<DestinationPolicy>| {
        policy.host == host && *policy.namespace == *cx.namespace() && policy.clients.is_none()
    };
    let at = mesh.destinations.iter().position(own).unwrap_or_else(|| {
        mesh.destinations.push(Arc::new(DestinationPolicy {
            origin: cx.origin.clone(),
            namespace: cx.namespace().into(),
            host,
            visibility: Visibility::Everywhere,
            clients: None,
            traffic: TrafficPolicy::default(),
            subsets: Vec::new(),
        }));
        mesh.destinations.len() - 1
    });
    let traffic = &mut Arc::make_mut(&mut mesh.destinations[at]).traffic;
    let ports = port.map_or_else(|| traffic.ports.keys().copied().collect(), |port| vec![port]);
    let base = TrafficPolicy { ports: std::collections::BTreeMap::new(), tls: None, ..traffic.clone() };
    for port in ports {
        traffic.ports.entry(port).or_insert_with(|| base.clone()).tls.get_or_insert_with(|| tls.clone());
    }
    if port.is_none() {
        traffic.tls.get_or_insert_with(|| tls.clone());
    }
    Ok(())
}

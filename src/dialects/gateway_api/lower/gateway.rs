//! Gateways and their listeners. A listener that is broken, or whose certificate may not be used, does not listen.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::certificates;
use super::grants::Grants;
use super::namespaces;
use super::scope::{GROUP, Refusal};
use crate::dialects::gateway_api::types::{Gateway as Said, Listener};
use crate::dialects::lower::Input;
use crate::dialects::lower::context::Context;
use crate::dialects::object::Object;
use crate::ir::{
    Builder, Enrolment, Gateway, GatewayListener, HostPattern, Key, Mesh, Name, Protocol, Scope, ScopedHost,
};
use crate::manifests::source::Place;
use crate::schema::Text;
use crate::schema::values::text_or_empty;

/// Label of workloads that are the proxies of a gateway.
const LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// Every Gateway.
pub fn lower(input: &Input<'_>, grants: &Grants<'_>, mesh: &mut Builder) {
    let domain = mesh.mesh.settings.domain.clone();
    for object in &input.model.kubernetes_gateways {
        let cx = Context::new(input, &object.meta, &domain);
        let key = Key::new(cx.namespace(), object.meta.name());
        let mut losses = Vec::new();
        let mut names = BTreeSet::new();
        let mut listeners = Vec::new();
        for (at, said) in object.spec.listeners.iter().enumerate() {
            match listener(&cx, grants, &mut mesh.mesh, object, at, said) {
                Ok(listener) if !names.insert(listener.name.clone()) => {
                    let path = format!("spec.listeners[{at}]");
                    losses.push(Refusal::new(&path, said.place, "another listener has its name"));
                }
                Ok(listener) => listeners.push(listener),
                Err(refusal) => losses.push(refusal),
            }
        }
        mark(&mut mesh.mesh, &key, object);
        mesh.mesh.losses.extend(losses.iter().map(|refusal| refusal.loss(&cx, "nothing listens for it")));
        let origin = cx.at("", Place::default());
        let gateway = Gateway { key: key.clone(), origin, proxies: Scope::Gateway(key.clone(), None), listeners };
        mesh.mesh.gateways.entry(key).or_insert_with(|| Arc::new(gateway));
    }
}

/// The gateway's workloads: those with its label, or with its name (and that of its class behind it).
fn mark(mesh: &mut Mesh, key: &Key, object: &Object<Said>) {
    let class = text_or_empty(object.spec.gateway_class_name.as_ref());
    let long = format!("{}-{class}", key.name);
    for workload in mesh.workloads.values_mut().filter(|workload| workload.key.namespace == key.namespace) {
        let is_own = match workload.labels.get(LABEL) {
            Some(name) => *name == key.name,
            None => workload.key.name == key.name || *workload.key.name == *long,
        };
        if is_own && workload.gateway.is_none() {
            let workload = Arc::make_mut(workload);
            workload.enrolment = Enrolment::Gateway;
            workload.gateway = Some(key.clone());
        }
    }
}

fn listener(
    cx: &Context<'_>,
    grants: &Grants<'_>,
    mesh: &mut Mesh,
    object: &Object<Said>,
    at: usize,
    said: &Listener,
) -> Result<GatewayListener, Refusal> {
    let path = format!("spec.listeners[{at}]");
    let refuse = |reason: &str| Refusal::new(&path, said.place, reason);
    if let Some(defect) = cx.flaws().within(said.place).next() {
        return Err(refuse(&crate::dialects::lower::describe(defect)));
    }
    let port = said.port.as_ref().and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0);
    let port = port.ok_or_else(|| refuse("it has no port"))?;
    let name: Name = text_or_empty(said.name.as_ref()).into();
    let (protocol, ends) = match (said.protocol.as_ref().map_or("", Text::as_str), &said.tls) {
        ("HTTP", None) => (Protocol::Http, false),
        ("TCP", None) => (Protocol::Tcp, false),
        ("HTTPS", Some(_)) => (Protocol::Http, true),
        ("TLS", Some(_)) => (Protocol::Tls, true),
        ("HTTP" | "TCP", Some(_)) => return Err(refuse("its protocol has no TLS, and TLS settings stand beside it")),
        ("HTTPS" | "TLS", None) => return Err(refuse("HTTPS and TLS need TLS settings")),
        _ => return Err(refuse("gateways do not know its protocol")),
    };
    let tls = match &said.tls {
        Some(tls) if ends => Some(certificates::server(cx, grants, mesh, object, said, tls, &path)?),
        _ => None,
    };
    let hostname = said.hostname.as_ref().map(Text::as_str).filter(|host| !host.is_empty()).unwrap_or("*");
    Ok(GatewayListener {
        origin: cx.at(path.as_str(), said.place),
        port_name: name.clone(),
        name,
        port,
        bind: None,
        protocol,
        hosts: vec![ScopedHost { namespace: None, host: HostPattern(hostname.into()) }],
        tls: tls.map(Arc::new),
        routes_from: namespaces::of(cx, said.allowed_routes.as_ref()),
        isolated: true,
    })
}

/// True when a listener takes routes of a kind.
pub fn takes(listener: &GatewayListener, said: Option<&Listener>, kind: &str) -> bool {
    let by_protocol = match kind {
        "HTTPRoute" | "GRPCRoute" => listener.protocol == Protocol::Http,
        "TLSRoute" => listener.protocol == Protocol::Tls,
        _ => listener.protocol == Protocol::Tcp || (listener.protocol == Protocol::Tls && ends(listener)),
    };
    let kinds = said.and_then(|said| said.allowed_routes.as_ref()).map(|allowed| &allowed.kinds);
    let named = kinds.is_none_or(|kinds| {
        let fits = |one: &crate::dialects::gateway_api::types::ObjectReference| {
            one.group.as_ref().map_or(GROUP, Text::as_str) == GROUP
                && one.kind.as_ref().is_some_and(|own| own.as_str() == kind)
        };
        kinds.is_empty() || kinds.iter().any(fits)
    });
    by_protocol && named
}

fn ends(listener: &GatewayListener) -> bool {
    listener.tls.as_ref().is_some_and(|tls| tls.mode != crate::ir::ServerTlsMode::Passthrough)
}

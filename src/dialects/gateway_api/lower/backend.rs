//! Backend references: to which service they lead.

use super::filter;
use super::grants::Object;
use super::scope::{Refusal, Scope};
use crate::dialects::gateway_api::types::BackendReference;
use crate::ir::{Backend, Destination, HttpAction, Key, Loss, Name, Target, Targets};
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

/// The targets of a rule. Those that cannot be used answer their share with an error.
pub fn targets(scope: &Scope<'_>, path: &str, list: &List<BackendReference>, losses: &mut Vec<Loss>) -> Targets {
    let mut targets = Vec::new();
    for (at, reference) in list.iter().enumerate() {
        let path = format!("{path}.backendRefs[{at}]");
        let mut target = Target {
            origin: scope.cx.at(path.clone(), reference.place),
            weight: weight(reference),
            backend: invalid(scope, ""),
            headers: crate::ir::HeaderEdits::default(),
            rewrite: None,
        };
        let found = destination(scope, &path, reference).and_then(|destination| {
            let own = filter::of_backend(scope, &path, &reference.filters)?;
            (target.headers, target.rewrite) = (own.headers, own.rewrite);
            Ok(destination)
        });
        target.backend = match found {
            Ok(destination) => Backend::Service(destination),
            Err(refusal) => {
                losses.push(refusal.loss(&scope.cx, &format!("its share is answered with {}", scope.error)));
                invalid(scope, &refusal.reason)
            }
        };
        targets.push(target);
    }
    Targets { targets, none: scope.error }
}

/// The weight of a reference: 1 when nothing is said.
pub fn weight(reference: &BackendReference) -> u32 {
    reference.weight.as_ref().map_or(1, |weight| u32::try_from(weight.value).unwrap_or(0))
}

/// An action that answers everything with an error.
pub fn broken(scope: &Scope<'_>, refusal: &Refusal) -> HttpAction {
    let target = Target {
        origin: scope.cx.at(refusal.path.as_str(), refusal.place),
        weight: 1,
        backend: invalid(scope, &refusal.reason),
        headers: crate::ir::HeaderEdits::default(),
        rewrite: None,
    };
    HttpAction::Forward(Targets { targets: vec![target], none: scope.error })
}

fn invalid(scope: &Scope<'_>, reason: &str) -> Backend {
    Backend::Invalid { status: scope.error, reason: reason.into() }
}

/// The service and port of a reference. A service of another namespace needs a grant at gateways; in the mesh it does not,
/// because every caller may call it there anyway.
pub fn destination(scope: &Scope<'_>, path: &str, reference: &BackendReference) -> Result<Destination, Refusal> {
    let refuse = |reason: String| Err(Refusal::new(path, reference.place, reason));
    if scope.cx.flaws().any(Some(reference.place)) {
        return refuse("the reference has a structural mistake".into());
    }
    let name = text_or_empty(reference.name.as_ref());
    let namespace = reference.namespace.as_ref().map_or(scope.cx.namespace(), Text::as_str);
    let (group, kind) =
        (text_or_empty(reference.group.as_ref()), reference.kind.as_ref().map_or("Service", Text::as_str));
    let host: Name = match (group, kind) {
        ("" | "core", "Service") => format!("{name}.{namespace}.svc.{}", scope.cx.domain).into(),
        ("networking.istio.io", "Hostname") => name.into(),
        _ => return refuse(format!("backends of kind `{kind}` of the group `{group}` are not known here")),
    };
    let own = scope.cx.meta;
    let from = Object { group: own.group, kind: own.kind, namespace: &own.namespace, name: own.name() };
    if !scope.served.in_mesh && !scope.grants.allow(from, Object { group, kind, namespace, name }) {
        return refuse(format!("no ReferenceGrant in `{namespace}` lets {} of `{}` name it", own.kind, own.namespace));
    }
    let port = reference.port.as_ref().and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0);
    let Some(port) = port else { return refuse("a Service needs a port".into()) };
    let service = match kind {
        "Service" => scope.mesh.services.get(&Key::new(namespace, host.clone())),
        _ => scope.mesh.services.values().find(|service| service.key.name == host),
    };
    match service {
        None => refuse(format!("there is no service `{host}`")),
        Some(service) if service.port(port).is_none() => refuse(format!("`{host}` has no port {port}")),
        Some(_) => Ok(Destination { host, subset: None, port: Some(port) }),
    }
}

//! Routes of Services: for callers within the mesh. A route of the Service's namespace is for all of them, one of another
//! namespace for the callers of that namespace alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grants::Grants;
use super::route::{Kind, Maker, Route, all};
use super::scope::Served;
use crate::dialects::gateway_api::types::ParentReference;
use crate::dialects::lower::Input;
use crate::dialects::lower::context::Context;
use crate::ir::{
    Attachment, Builder, ClientMatch, HostPattern, HttpRoutes, Key, Loss, LossKind, Name, Otherwise, Predicate,
    Resolution, Service, Visibility,
};
use crate::schema::Text;
use crate::schema::values::text_or_empty;

/// A route and the port that it names.
type Attached<'m> = (Route<'m>, Option<u16>);

/// Every route with a Service as its parent.
pub fn lower(input: &Input<'_>, grants: &Grants<'_>, mesh: &mut Builder) {
    let mut losses = BTreeSet::new();
    let maker = Maker { input, grants, mesh: &mesh.mesh };
    let mut sets = Vec::new();
    for ((service, namespace), routes) in by_service(&maker, &mut losses) {
        let Some(service) = maker.mesh.services.get(&service) else { continue };
        sets.extend(of_service(&maker, service, namespace.as_ref(), &routes, &mut losses));
    }
    mesh.mesh.http_routes.extend(sets.into_iter().map(Arc::new));
    mesh.mesh.losses.extend(losses);
}

/// True for a parent that is a Service.
pub fn is_service(parent: &ParentReference) -> bool {
    let group = parent.group.as_ref().map_or(super::scope::GROUP, Text::as_str);
    matches!(group, "" | "core") && parent.kind.as_ref().is_some_and(|kind| kind.as_str() == "Service")
}

/// The Service that a parent names, and the port. None, with a loss, when it cannot have routes.
pub fn parent_service<'m>(
    cx: &Context<'_>,
    mesh: &'m crate::ir::Mesh,
    at: usize,
    parent: &ParentReference,
) -> Result<(&'m Arc<Service>, Option<u16>), Loss> {
    let refuse = |reason: String| {
        Err(cx.loss(
            format!("spec.parentRefs[{at}]"),
            parent.place,
            LossKind::Refused,
            format!("{reason}; it is not attached"),
        ))
    };
    let namespace = parent.namespace.as_ref().map_or(cx.namespace(), Text::as_str);
    let name = text_or_empty(parent.name.as_ref());
    let host = format!("{name}.{namespace}.svc.{}", cx.domain);
    let Some(service) = mesh.services.get(&Key::new(namespace, host)) else {
        return refuse(format!("there is no Service `{namespace}/{name}`"));
    };
    if service.resolution != Resolution::Endpoints {
        return refuse(format!("the Service `{namespace}/{name}` has no address of its own"));
    }
    if parent.section_name.is_some() {
        return refuse("a Service has no sections".into());
    }
    let Some(said) = &parent.port else { return Ok((service, None)) };
    match u16::try_from(said.value).ok().filter(|port| service.port(*port).is_some()) {
        Some(port) => Ok((service, Some(port))),
        None => refuse(format!("the Service `{namespace}/{name}` has no port {}", said.value)),
    }
}

/// Routes by Service and, for those of another namespace, by that.
fn by_service<'m>(maker: &Maker<'m>, losses: &mut BTreeSet<Loss>) -> BTreeMap<(Key, Option<Name>), Vec<Attached<'m>>> {
    let mut found: BTreeMap<_, Vec<Attached<'m>>> = BTreeMap::new();
    let domain = &maker.mesh.settings.domain;
    for route in all(maker.input, domain, losses) {
        let cx = Context::new(maker.input, route.meta, domain);
        for (at, parent) in route.parents.iter().enumerate().filter(|(_, parent)| is_service(parent)) {
            match parent_service(&cx, maker.mesh, at, parent) {
                Ok((service, port)) => {
                    let consumer = (*service.key.namespace != *cx.namespace()).then(|| Name::from(cx.namespace()));
                    found.entry((service.key.clone(), consumer)).or_default().push((route, port));
                }
                Err(loss) => {
                    losses.insert(loss);
                }
            }
        }
    }
    found
}

/// The rules of a Service: one set for all its ports, or one for each where routes name ports or kinds differ.
fn of_service(
    maker: &Maker<'_>,
    service: &Service,
    consumer: Option<&Name>,
    routes: &[Attached<'_>],
    losses: &mut BTreeSet<Loss>,
) -> Vec<HttpRoutes> {
    let ports: Vec<Option<u16>> = if routes.iter().all(|(_, port)| port.is_none()) {
        vec![None]
    } else {
        service.ports.iter().map(|port| Some(port.number)).collect()
    };
    let of_port = |port: Option<u16>| {
        let mut here: Vec<Route<'_>> = Vec::new();
        for (route, _) in routes.iter().filter(|(_, only)| only.is_none() || *only == port) {
            if here.iter().all(|other| !std::ptr::eq(other.meta, route.meta)) {
                here.push(*route);
            }
        }
        let strongest = here.iter().map(Route::kind).max()?;
        for weaker in here.iter().filter(|route| route.kind() < strongest) {
            losses.insert(conflict(maker, weaker));
        }
        here.retain(|route| route.kind() == strongest);
        let first = here.first()?;
        let cx = Context::new(maker.input, first.meta, &maker.mesh.settings.domain);
        let served = Served { in_mesh: true, port, tls: false };
        Some(HttpRoutes {
            origin: cx.origin.clone(),
            namespace: cx.namespace().into(),
            hosts: vec![HostPattern(service.key.name.clone())],
            attachment: Attachment::Service {
                service: service.key.clone(),
                port,
                clients: ClientMatch { namespace: consumer.cloned(), labels: Predicate::True },
            },
            visibility: consumer.map_or(Visibility::Everywhere, |name| Visibility::In([name.clone()].into())),
            rules: maker.merged(&here, served, losses),
            otherwise: Otherwise::NotFound,
        })
    };
    ports.into_iter().filter_map(of_port).collect()
}

fn conflict(maker: &Maker<'_>, route: &Route<'_>) -> Loss {
    let cx = Context::new(maker.input, route.meta, &maker.mesh.settings.domain);
    let kind = if route.kind() == Kind::Http { "GRPCRoute" } else { "HTTPRoute" };
    let reason = format!("a {kind} is attached to the same port and goes before; this route does not hold there");
    cx.loss("spec.parentRefs", route.parents.place.unwrap_or_default(), LossKind::Refused, reason)
}

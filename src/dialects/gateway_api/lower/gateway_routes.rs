//! Routes at gateways: for each listener and host one list, in the specification's order across all routes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::gateway::takes;
use super::grants::Grants;
use super::route::{Maker, Route, all};
use super::scope::{GROUP, Refusal, Served};
use crate::dialects::gateway_api::types::{Listener, ParentReference};
use crate::dialects::lower::Input;
use crate::dialects::lower::context::Context;
use crate::ir::{
    Attachment, Builder, Gateway, GatewayListener, HostPattern, HttpRoutes, Key, Loss, Mesh, Name, Otherwise,
    Visibility,
};
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

/// Routes by gateway, listener and host.
type ByHost<'m> = BTreeMap<(Key, Name), BTreeMap<HostPattern, Vec<Route<'m>>>>;

/// Every route with a Gateway as its parent.
pub fn lower(input: &Input<'_>, grants: &Grants<'_>, mesh: &mut Builder) {
    let mut losses = BTreeSet::new();
    let maker = Maker { input, grants, mesh: &mesh.mesh };
    let mut found: ByHost<'_> = BTreeMap::new();
    for route in all(input, &maker.mesh.settings.domain, &mut losses) {
        let cx = Context::new(input, route.meta, &maker.mesh.settings.domain);
        for (gateway, listener, hosts) in attached(&cx, maker.mesh, route.parents, route.hostnames, &mut losses) {
            let by_host = found.entry((gateway.key.clone(), listener.name.clone())).or_default();
            for host in hosts {
                let routes = by_host.entry(host).or_default();
                if routes.iter().all(|other| !std::ptr::eq(other.meta, route.meta)) {
                    routes.push(route);
                }
            }
        }
    }
    let mut sets = Vec::new();
    for ((gateway, name), by_host) in found {
        let listeners = maker.mesh.gateways.get(&gateway).into_iter().flat_map(|gateway| &gateway.listeners);
        for listener in listeners.filter(|listener| listener.name == name) {
            sets.extend(of_listener(&maker, &gateway, listener, &by_host, &mut losses));
        }
    }
    mesh.mesh.http_routes.extend(sets.into_iter().map(Arc::new));
    mesh.mesh.losses.extend(losses);
}

fn of_listener(
    maker: &Maker<'_>,
    gateway: &Key,
    listener: &GatewayListener,
    by_host: &BTreeMap<HostPattern, Vec<Route<'_>>>,
    losses: &mut BTreeSet<Loss>,
) -> Vec<HttpRoutes> {
    let served = Served { in_mesh: false, port: Some(listener.port), tls: listener.tls.is_some() };
    let of_host = |(host, routes): (&HostPattern, &Vec<Route<'_>>)| {
        // The first route decides on the kind; those of the other are refused for the host.
        let kind = routes.first()?.kind();
        let (here, others): (Vec<Route<'_>>, Vec<Route<'_>>) = routes.iter().partition(|route| route.kind() == kind);
        for other in others {
            let cx = Context::new(maker.input, other.meta, &maker.mesh.settings.domain);
            let reason = format!("an older route of another kind has the host `{host}`");
            let place = other.parents.place.unwrap_or_default();
            losses.insert(Refusal::new("spec.hostnames", place, reason).loss(&cx, "this one does not hold for it"));
        }
        let cx = Context::new(maker.input, here.first()?.meta, &maker.mesh.settings.domain);
        Some(HttpRoutes {
            origin: cx.origin.clone(),
            namespace: cx.namespace().into(),
            hosts: vec![host.clone()],
            attachment: Attachment::Gateway {
                gateway: gateway.clone(),
                listener: Some(listener.name.clone()),
                port: Some(listener.port),
            },
            visibility: Visibility::Everywhere,
            rules: maker.merged(&here, served, losses),
            otherwise: Otherwise::NotFound,
        })
    };
    by_host.iter().filter_map(of_host).collect()
}

/// The listeners that a route is attached to, with the hosts that both have.
pub fn attached<'m>(
    cx: &Context<'m>,
    mesh: &'m Mesh,
    parents: &List<ParentReference>,
    hostnames: &List<Text>,
    losses: &mut BTreeSet<Loss>,
) -> Vec<(&'m Gateway, &'m GatewayListener, Vec<HostPattern>)> {
    let mut found = Vec::new();
    for (at, parent) in parents.iter().enumerate().filter(|(_, parent)| is_gateway(parent)) {
        let namespace = parent.namespace.as_ref().map_or(cx.namespace(), Text::as_str);
        let key = Key::new(namespace, text_or_empty(parent.name.as_ref()));
        let gateway = mesh
            .gateways
            .get(&key)
            .filter(|gateway| gateway.origin.object.as_ref().is_some_and(|object| &*object.group == GROUP));
        let before = found.len();
        for listener in gateway.into_iter().flat_map(|gateway| &gateway.listeners) {
            let said = said(cx, &key, &listener.name);
            let fits = parent.section_name.as_ref().is_none_or(|name| name.as_str() == &*listener.name)
                && parent.port.as_ref().is_none_or(|port| port.value == i64::from(listener.port))
                && listener.routes_from.includes(cx.namespace())
                && takes(listener, said, cx.meta.kind);
            let hosts = if fits { common(listener, hostnames) } else { Vec::new() };
            if let Some(gateway) = gateway.filter(|_| !hosts.is_empty()) {
                found.push((&**gateway, listener, hosts));
            }
        }
        if found.len() == before {
            let reason = format!("no listener of the Gateway `{key}` takes it");
            let path = format!("spec.parentRefs[{at}]");
            losses.insert(Refusal::new(&path, parent.place, reason).loss(cx, "it is not attached"));
        }
    }
    found
}

/// True for a parent that is a Gateway.
fn is_gateway(parent: &ParentReference) -> bool {
    parent.group.as_ref().map_or(GROUP, Text::as_str) == GROUP
        && parent.kind.as_ref().map_or("Gateway", Text::as_str) == "Gateway"
}

fn said<'m>(cx: &Context<'m>, gateway: &Key, name: &str) -> Option<&'m Listener> {
    let mut objects = cx.input.model.kubernetes_gateways.iter();
    let object = objects.find(|one| *one.meta.namespace == *gateway.namespace && one.meta.name() == &*gateway.name)?;
    object.spec.listeners.iter().find(|one| text_or_empty(one.name.as_ref()) == name)
}

/// The hosts of a listener that a route has, too.
fn common(listener: &GatewayListener, hostnames: &List<Text>) -> Vec<HostPattern> {
    let own = listener.hosts.iter().map(|host| &host.host);
    if hostnames.is_empty() {
        return own.cloned().collect();
    }
    let wanted: Vec<HostPattern> = hostnames.iter().map(|host| HostPattern(host.as_str().into())).collect();
    let both = own.flat_map(|own| wanted.iter().filter_map(|host| own.intersect(host)));
    both.collect::<BTreeSet<_>>().into_iter().collect()
}

//! TLSRoutes and TCPRoutes, at gateways and for Services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::backend;
use super::gateway_routes::attached;
use super::grants::Grants;
use super::mesh_routes::{is_service, parent_service};
use super::route::{Maker, refusal};
use super::scope::{Scope, Served};
use crate::dialects::gateway_api::types::{L4RouteRule, ParentReference};
use crate::dialects::lower::Input;
use crate::dialects::object::Meta;
use crate::ir::{
    Attachment, Builder, ClientMatch, HostPattern, L4Match, L4Routes, L4Rule, L4Target, Loss, Name, Predicate,
    Visibility,
};
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

struct Route<'m> {
    meta: &'m Meta,
    parents: &'m List<ParentReference>,
    hostnames: Option<&'m List<Text>>,
    rules: &'m List<L4RouteRule>,
}

/// Every TLSRoute, then every TCPRoute: server names are narrower.
pub fn lower(input: &Input<'_>, grants: &Grants<'_>, mesh: &mut Builder) {
    let mut losses = BTreeSet::new();
    let mut sets = Vec::new();
    let maker = Maker { input, grants, mesh: &mesh.mesh };
    for route in all(input) {
        let scope = maker.scope(route.meta, Served { in_mesh: false, port: None, tls: false }, 503);
        // A rule that is broken closes connections, and which ones it is for stays open: the route goes as a whole.
        if let Some(loss) = refusal(&scope.cx, &[]) {
            losses.insert(loss);
            continue;
        }
        sets.extend(at_gateways(&scope, &route, &mut losses));
        let scope = maker.scope(route.meta, Served { in_mesh: true, port: None, tls: false }, 503);
        sets.extend(of_services(&scope, &route, &mut losses));
    }
    mesh.mesh.l4_routes.extend(sets.into_iter().map(Arc::new));
    mesh.mesh.losses.extend(losses);
}

fn all<'m>(input: &Input<'m>) -> Vec<Route<'m>> {
    let tls = input.model.tls_routes.iter().map(|object| Route {
        meta: &object.meta,
        parents: &object.spec.parent_refs,
        hostnames: Some(&object.spec.hostnames),
        rules: &object.spec.rules,
    });
    let tcp = input.model.tcp_routes.iter().map(|object| Route {
        meta: &object.meta,
        parents: &object.spec.parent_refs,
        hostnames: None,
        rules: &object.spec.rules,
    });
    let mut all: Vec<Route<'m>> = tls.chain(tcp).collect();
    all.sort_by_key(|route| {
        let meta = route.meta;
        (route.hostnames.is_none(), meta.created.clone(), meta.namespace.clone(), meta.name().to_owned())
    });
    all
}

fn at_gateways(scope: &Scope<'_>, route: &Route<'_>, losses: &mut BTreeSet<Loss>) -> Vec<L4Routes> {
    let every = List::default();
    let names = route.hostnames.unwrap_or(&every);
    let found = attached(&scope.cx, scope.mesh, route.parents, names, losses);
    let sets = found.into_iter().map(|(gateway, listener, hosts)| {
        let attachment = Attachment::Gateway {
            gateway: gateway.key.clone(),
            listener: Some(listener.name.clone()),
            port: Some(listener.port),
        };
        set(scope, route, hosts, attachment, Visibility::Everywhere, losses)
    });
    sets.collect()
}

fn of_services(scope: &Scope<'_>, route: &Route<'_>, losses: &mut BTreeSet<Loss>) -> Vec<L4Routes> {
    let mut found: BTreeMap<Attachment, L4Routes> = BTreeMap::new();
    for (at, parent) in route.parents.iter().enumerate().filter(|(_, parent)| is_service(parent)) {
        match parent_service(&scope.cx, scope.mesh, at, parent) {
            Ok((service, port)) => {
                let consumer =
                    (*service.key.namespace != *scope.cx.namespace()).then(|| Name::from(scope.cx.namespace()));
                let visibility =
                    consumer.as_ref().map_or(Visibility::Everywhere, |name| Visibility::In([name.clone()].into()));
                let attachment = Attachment::Service {
                    service: service.key.clone(),
                    port,
                    clients: ClientMatch { namespace: consumer, labels: Predicate::True },
                };
                let hosts = vec![HostPattern(service.key.name.clone())];
                let made = set(scope, route, hosts, attachment.clone(), visibility, losses);
                found.entry(attachment).or_insert(made);
            }
            Err(loss) => {
                losses.insert(loss);
            }
        }
    }
    found.into_values().collect()
}

fn set(
    scope: &Scope<'_>,
    route: &Route<'_>,
    hosts: Vec<HostPattern>,
    attachment: Attachment,
    visibility: Visibility,
    losses: &mut BTreeSet<Loss>,
) -> L4Routes {
    let names = match (&attachment, route.hostnames) {
        // The address of a Service decides, whatever the server name.
        (Attachment::Gateway { .. }, Some(_)) => Some(hosts.clone()),
        _ => None,
    };
    let rules = route.rules.iter().enumerate().map(|(at, rule)| {
        let path = format!("spec.rules[{at}]");
        let origin = scope.cx.at(path.as_str(), rule.place);
        let condition = names.as_ref().map(|names| L4Match {
            origin: origin.clone(),
            server_names: names.clone(),
            ..L4Match::default()
        });
        L4Rule {
            origin,
            name: text_or_empty(rule.name.as_ref()).into(),
            matches: condition.into_iter().collect(),
            targets: targets(scope, &path, rule, losses),
        }
    });
    L4Routes {
        origin: scope.cx.origin.clone(),
        namespace: scope.cx.namespace().into(),
        rules: rules.collect(),
        hosts,
        attachment,
        visibility,
    }
}

fn targets(scope: &Scope<'_>, path: &str, rule: &L4RouteRule, losses: &mut BTreeSet<Loss>) -> Vec<L4Target> {
    let one = |(at, reference): (usize, &crate::dialects::gateway_api::types::BackendReference)| {
        let path = format!("{path}.backendRefs[{at}]");
        let destination = match backend::destination(scope, &path, reference) {
            Ok(destination) => Some(destination),
            Err(refusal) => {
                losses.insert(refusal.loss(&scope.cx, "its share of connections is closed"));
                None
            }
        };
        L4Target { origin: scope.cx.at(path, reference.place), weight: backend::weight(reference), destination }
    };
    rule.backend_refs.iter().enumerate().map(one).collect()
}

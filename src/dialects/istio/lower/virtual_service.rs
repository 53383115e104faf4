//! VirtualService: routes for its hosts, in the proxies of callers and at gateways.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Context;
use super::{delegate, http_rule, l4_rule};
use crate::dialects::istio::types::VirtualService;
use crate::dialects::lower::{Input, visibility};
use crate::dialects::object::Object;
use crate::ir::{Attachment, Builder, HostPattern, HttpRoutes, HttpRule, Key, L4Routes, Otherwise};
use crate::schema::{List, Text};

/// The word for the proxies of callers.
const MESH: &str = "mesh";

/// Every VirtualService, in the order in which they count: the API server's times are not in manifests, so the name decides,
/// as it does among equally old ones.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let domain = mesh.mesh.settings.domain.clone();
    let mut objects: Vec<&Object<VirtualService>> = input.model.virtual_services.iter().collect();
    objects.sort_by_key(|object| format!("{}.{}", object.meta.name(), object.meta.namespace));
    // Without hosts it is a part of others.
    for object in objects.into_iter().filter(|object| !object.spec.hosts.is_empty()) {
        let cx = Context::new(input, &object.meta, &domain);
        lower_one(&cx, object, mesh);
    }
}

fn lower_one(cx: &Context<'_>, object: &Object<VirtualService>, mesh: &mut Builder) {
    let spec = &object.spec;
    let words = spec.export_to.iter().map(Text::as_str);
    let visibility = visibility(words, cx.namespace(), &cx.input.default_route_visibility);
    let hosts: Vec<HostPattern> = spec.hosts.iter().map(|host| HostPattern(cx.host(host.as_str()))).collect();
    for gateway in gateways(object) {
        let named = |list: &List<Text>| names(list, &spec.gateways, &gateway);
        let rules: Vec<Arc<HttpRule>> = spec
            .http
            .iter()
            .enumerate()
            .flat_map(|(at, route)| match &route.delegate {
                Some(to) => delegate::rules(cx, at, route, to, &named, &mut mesh.mesh.losses),
                None => http_rule::rule(cx, &format!("spec.http[{at}]"), route, &named, &mut mesh.mesh.losses)
                    .into_iter()
                    .collect(),
            })
            .map(Arc::new)
            .collect();
        let attachment = attachment(cx, &gateway);
        if !rules.is_empty() {
            mesh.mesh.http_routes.push(Arc::new(HttpRoutes {
                origin: cx.origin.clone(),
                namespace: cx.namespace().into(),
                hosts: hosts.clone(),
                attachment: attachment.clone(),
                visibility: visibility.clone(),
                rules,
                otherwise: Otherwise::NotFound,
            }));
        }
        let rules = l4_rule::rules(cx, spec, &named);
        if !rules.is_empty() {
            mesh.mesh.l4_routes.push(Arc::new(L4Routes {
                origin: cx.origin.clone(),
                namespace: cx.namespace().into(),
                hosts: hosts.clone(),
                attachment,
                visibility: visibility.clone(),
                rules,
            }));
        }
    }
}

/// All gateways that the object or one of its conditions names; the proxies of callers when it names none.
fn gateways(object: &Object<VirtualService>) -> BTreeSet<String> {
    let spec = &object.spec;
    let of_http = spec.http.iter().flat_map(|route| &route.r#match).flat_map(|condition| &condition.gateways);
    let of_tls = spec.tls.iter().flat_map(|route| &route.r#match).flat_map(|condition| &condition.gateways);
    let of_tcp = spec.tcp.iter().flat_map(|route| &route.r#match).flat_map(|condition| &condition.gateways);
    let all = spec.gateways.iter().chain(of_http).chain(of_tls).chain(of_tcp);
    let mut names: BTreeSet<String> = all.map(|name| name.as_str().to_owned()).collect();
    if spec.gateways.is_empty() {
        names.insert(MESH.to_owned());
    }
    names
}

/// True when a condition with this list holds at the gateway; an empty one stands for the list of the object.
fn names(own: &List<Text>, of_object: &List<Text>, gateway: &str) -> bool {
    let list = if own.is_empty() { of_object } else { own };
    if list.is_empty() { gateway == MESH } else { list.has(gateway) }
}

fn attachment(cx: &Context<'_>, gateway: &str) -> Attachment {
    if gateway == MESH {
        return Attachment::Hosts;
    }
    let (namespace, name) = gateway.split_once('/').unwrap_or((cx.namespace(), gateway));
    let namespace = if namespace == "." { cx.namespace() } else { namespace };
    Attachment::Gateway { gateway: Key::new(namespace, name), listener: None, port: None }
}

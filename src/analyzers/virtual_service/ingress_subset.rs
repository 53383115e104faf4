//! IST0140: a route of a gateway that passes by the subsets which the sidecars' routes choose.

use std::collections::HashMap;

use crate::analyzers::context::Context;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{HttpRouteDestination, VirtualService};
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// Routes to subsets that a gateway does not use
    ///
    /// ## Why
    ///
    /// A request is routed once. A gateway that sends requests to a host without a subset goes straight to the pods; the
    /// VirtualService that splits this host into subsets is for callers inside the mesh and is not asked again.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web-from-outside
    /// spec:
    ///   hosts: [web.example.com]
    ///   gateways: [web-gateway]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    ///         subset: v2 # not for requests from outside
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web.example.com, web]
    ///   gateways: [web-gateway, mesh]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    ///         subset: v2
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the subset in the gateway's route too, or bind one VirtualService to the gateway and to `mesh`.
    pub INGRESS_ROUTE_RULES_NOT_AFFECTED = "IST0140", "IngressRouteRulesNotAffected", Warning
}

/// Compares routes of gateways with routes of sidecars.
pub fn check(cx: &Context<'_>, sink: &mut Sink) {
    let subsets = subsets(cx);
    if subsets.is_empty() {
        return;
    }
    for object in cx.virtual_services.iter().filter(|object| is_for_gateway(&object.spec)) {
        for target in object.spec.http.iter().flat_map(|route| &route.route) {
            let Some((host, None)) = host_and_subset(target) else { continue };
            let name = cx.hosts().full_name(host.as_str(), &object.meta.namespace);
            let others = subsets.get(&*name).into_iter().flatten();
            if let Some((other, subset)) = others.into_iter().find(|(other, _)| !shares_gateway(object, other)) {
                sink.report(
                    &INGRESS_ROUTE_RULES_NOT_AFFECTED,
                    &object.meta,
                    host.span(),
                    format!(
                        "The subsets of {:?} in VirtualService {} have no effect on requests through the gateways of VirtualService {}.",
                        host.as_str(),
                        other.meta.full_name(),
                        object.meta.full_name()
                    ),
                )
                .label("goes to all pods of the host")
                .help("name a subset here too, or bind one VirtualService to the gateway and to `mesh`")
                .related(other.meta.file, subset.span(), "only callers inside the mesh get this subset");
            }
        }
    }
}

type BySubset<'m> = HashMap<String, Vec<(&'m Object<VirtualService>, &'m Text)>>;

/// VirtualServices that route one of their own hosts to a subset of it, by the host's full name.
fn subsets<'m>(cx: &Context<'m>) -> BySubset<'m> {
    let mut found: BySubset<'m> = HashMap::new();
    for object in &cx.model().virtual_services {
        let own = |host: &str| cx.hosts().full_name(host, &object.meta.namespace).into_owned();
        let hosts: Vec<String> = object.spec.hosts.iter().map(|host| own(host.as_str())).collect();
        for target in object.spec.http.iter().flat_map(|route| &route.route) {
            if let Some((host, Some(subset))) = host_and_subset(target) {
                let name = own(host.as_str());
                if hosts.contains(&name) {
                    let list = found.entry(name).or_default();
                    if !list.iter().any(|(other, _)| std::ptr::eq(*other, object)) {
                        list.push((object, subset));
                    }
                }
            }
        }
    }
    found
}

fn host_and_subset(target: &HttpRouteDestination) -> Option<(&Text, Option<&Text>)> {
    let destination = target.destination.as_ref()?;
    let subset = destination.subset.as_ref().filter(|subset| !subset.as_str().is_empty());
    Some((destination.host.as_ref()?, subset))
}

fn is_for_gateway(spec: &VirtualService) -> bool {
    spec.gateways.iter().any(|gateway| gateway.as_str() != "mesh")
}

/// True for the same object, and when the other one is on one of the gateways itself.
fn shares_gateway(object: &Object<VirtualService>, other: &Object<VirtualService>) -> bool {
    std::ptr::eq(object, other)
        || object.spec.gateways.iter().any(|g| g.as_str() != "mesh" && other.spec.gateways.has(g.as_str()))
}

//! A port that takes plaintext only, of a workload that otherwise demands mutual TLS (IST9102).

use std::collections::HashMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::mutual_tls::PeerPolicies;
use crate::analyzers::shared::policy_scope;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};
use crate::dialects::istio::types::{Destination, MutualTlsMode, PeerAuthentication, VirtualService};
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// A plaintext port of a workload that demands mutual TLS
    ///
    /// ## Why
    ///
    /// On a port with mode DISABLE the workload accepts plaintext only. Everybody in the network reads and sends there, and no
    /// client has an identity: policies with principals or namespaces cannot fit. It is an error when a gateway routes to
    /// the port, because then it is the one that carries the application's traffic; for other ports (metrics, say) it is
    /// for your information.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: PeerAuthentication
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   mtls:
    ///     mode: STRICT
    ///   portLevelMtls:
    ///     8080: # the port that clients use
    ///       mode: DISABLE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: PeerAuthentication
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   mtls:
    ///     mode: STRICT
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the exception. Clients outside of the mesh that must reach one port get PERMISSIVE on that port, with a policy
    /// that says who may use it.
    pub PLAINTEXT_PORT = "IST9102", "PlaintextPortInStrictWorkload", Warning
}

/// Reports ports with mode DISABLE in strict workloads.
pub static ANALYZER: Analyzer = Analyzer {
    name: "security.PlaintextPort",
    summary: "Workloads that demand mutual TLS do so on all ports",
    codes: &[&PLAINTEXT_PORT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let peers = PeerPolicies::new(cx);
    let routes = Routes::new(cx);
    for policy in &cx.model().peer_authentications {
        let strict = peers.of_policy(policy).filter(|found| found.mode == MutualTlsMode::Strict);
        let (Some(strict), Some(place)) = (strict, policy.spec.port_level_mtls.place) else { continue };
        let disabled: Vec<&Text> = policy
            .spec
            .port_level_mtls
            .iter()
            .filter(|(_, tls)| tls.mode.is_some_and(|mode| mode.value == MutualTlsMode::Disable))
            .map(|(port, _)| port)
            .collect();
        if disabled.is_empty() {
            continue;
        }
        let names: Vec<&str> = disabled.iter().map(|port| port.as_str()).collect();
        let route = routes.to(cx, policy, &names);
        let reach = if route.is_some() { ", and a gateway routes to it" } else { "" };
        let diagnostic = sink.report(
            &PLAINTEXT_PORT,
            &policy.meta,
            place.key_span("portLevelMtls"),
            format!(
                "Port {} accepts plaintext only while the workload demands mutual TLS{reach}: clients have no identity \
                 there, so principals in policies never match.",
                names.join(", ")
            ),
        );
        diagnostic
            .label("takes mutual TLS off")
            .help("remove the exception, or use PERMISSIVE for clients outside of the mesh");
        if let Some(mode) = strict.by.spec.mtls.as_ref().and_then(|tls| tls.mode.as_ref()) {
            diagnostic.related(strict.by.meta.file, mode.span(), "STRICT for the other ports");
        }
        for port in disabled {
            diagnostic.related(policy.meta.file, port.span(), "plaintext only");
        }
        if route.is_none() {
            diagnostic.level(Level::Info);
        }
        if let Some((object, destination)) = route {
            let span = destination.host.as_ref().map_or_else(|| object.meta.name_span(), Text::span);
            diagnostic.level(Level::Error).related(object.meta.file, span, "routed to from a gateway");
        }
    }
}

/// A route from a gateway: the Service's name, and what routes to it.
type Route<'m> = (&'m str, &'m Object<VirtualService>, &'m Destination);

/// The routes from gateways, by namespace and port of the Service.
struct Routes<'m>(HashMap<(&'m str, i64), Vec<Route<'m>>>);

impl<'m> Routes<'m> {
    fn new(cx: &Context<'m>) -> Self {
        let mut routes: HashMap<_, Vec<_>> = HashMap::new();
        for object in cx.model().virtual_services.iter().filter(|object| on_gateway(&object.spec)) {
            let destinations = object.spec.http.iter().flat_map(|route| &route.route);
            for destination in destinations.filter_map(|route| route.destination.as_ref()) {
                let port = destination.port.as_ref().and_then(|port| port.number.as_ref());
                let (Some(host), Some(port)) = (&destination.host, port) else { continue };
                let (name, namespace) = split_host(host.as_str(), &object.meta.namespace);
                routes.entry((namespace, port.value)).or_default().push((name, object, destination));
            }
        }
        Self(routes)
    }

    /// A route to one of the ports of a policy's workloads: by the Service's selector, or by the usual label `app`.
    fn to(
        &self,
        cx: &Context<'m>,
        policy: &Object<PeerAuthentication>,
        ports: &[&str],
    ) -> Option<(&'m Object<VirtualService>, &'m Destination)> {
        let namespace = &*policy.meta.namespace;
        let labels = policy_scope::labels(policy.spec.selector.as_ref());
        let numbers = ports.iter().filter_map(|port| port.parse::<i64>().ok());
        let mut routes = numbers.filter_map(|port| self.0.get(&(namespace, port))).flatten();
        let found = routes.find(|(name, ..)| match cx.service(namespace, name).and_then(|s| s.spec.spec.as_ref()) {
            Some(service) => labels.selects(&service.selector),
            None => labels.text("app") == Some(name),
        });
        found.map(|(_, object, destination)| (*object, *destination))
    }
}

/// True when a VirtualService has routes on a gateway.
pub fn on_gateway(spec: &VirtualService) -> bool {
    spec.gateways.iter().any(|gateway| gateway.as_str() != "mesh")
}

/// Name and namespace of a Service by its host: `reviews`, `reviews.shop`, `reviews.shop.svc.cluster.local`.
pub fn split_host<'h>(host: &'h str, namespace: &'h str) -> (&'h str, &'h str) {
    let mut parts = host.split('.');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or(namespace))
}

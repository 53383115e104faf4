//! IST0162: a server listens on a port that no Service of the gateway pods leads to.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{gateways, policy_scope};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Gateway;
use crate::dialects::kubernetes::types::{Service, ServicePort};
use crate::dialects::object::Object;
use crate::schema::{IntOrString, Text};

declare_code! {
    /// A Gateway listens on a port that its Service does not have
    ///
    /// ## Why
    ///
    /// Requests reach the gateway pods through a Service. When no Service has the Gateway's port, neither as its own port
    /// nor as the pods' port, nobody can connect to that server.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: shop}
    /// spec:
    ///   selector: {app: shop-gateway}
    ///   servers:
    ///   - port: {number: 8443, name: https, protocol: HTTPS}
    ///     hosts: [shop.example.com]
    ///     tls: {mode: SIMPLE, credentialName: shop-cert}
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: shop-gateway}
    /// spec:
    ///   selector: {app: shop-gateway}
    ///   ports:
    ///   - {name: https, port: 443}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: shop-gateway}
    /// spec:
    ///   selector: {app: shop-gateway}
    ///   ports:
    ///   - {name: https, port: 443, targetPort: 8443}
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the port to the gateway's Service, or let the Gateway listen on a port that the Service has.
    pub PORT_NOT_ON_SERVICE = "IST0162", "GatewayPortNotDefinedOnService", Warning
}

/// Compares the ports of Gateways with the Services of their pods.
pub static ANALYZER: Analyzer = Analyzer {
    name: "gateway.IngressGatewayPortAnalyzer",
    summary: "Gateway ports that no Service of the gateway pods has; selectors without pods",
    codes: &[&PORT_NOT_ON_SERVICE, &REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

/// The ports that lead to some pods.
#[derive(Default)]
struct Reachable<'m> {
    ports: BTreeSet<i64>,
    services: BTreeMap<String, &'m Object<Service>>,
    /// A target port by name that the pods' containers do not list.
    unknown: bool,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut by_selector: BTreeMap<String, Option<Reachable<'_>>> = BTreeMap::new();
    for gateway in &cx.model().gateways {
        if gateway.spec.selector.is_empty() {
            continue;
        }
        let text = policy_scope::text(&gateway.spec.selector);
        let reachable = by_selector.entry(text).or_insert_with(|| {
            let pods = gateways::pods(cx, gateway);
            (!pods.is_empty()).then(|| reachable(cx, &pods))
        });
        match reachable {
            None => gateways::report_no_pods(cx, gateway, sink, "gateway ports"),
            Some(reachable) if reachable.services.is_empty() => {
                sink.undecided("gateway ports", "Services of the gateway");
            }
            Some(reachable) => check(gateway, reachable, sink),
        }
    }
}

fn reachable<'m>(cx: &Context<'m>, pods: &[&Workload<'_>]) -> Reachable<'m> {
    let mut reachable = Reachable::default();
    for pod in pods {
        for service in cx.services_of(pod) {
            reachable.services.insert(service.meta.full_name(), service);
            for port in service.spec.spec.iter().flat_map(|spec| &spec.ports) {
                add(&mut reachable, port, pod);
            }
        }
    }
    reachable
}

fn add(reachable: &mut Reachable<'_>, port: &ServicePort, pod: &Workload<'_>) {
    if port.protocol.as_ref().is_some_and(|protocol| protocol.as_str() != "TCP") {
        return;
    }
    reachable.ports.extend(port.port.map(|number| number.value));
    match port.target_port.as_ref().map(|target| &target.value) {
        None => {}
        Some(IntOrString::Int(number)) => {
            reachable.ports.insert(*number);
        }
        Some(IntOrString::Text(name)) => match container_port(pod, name) {
            Some(number) => {
                reachable.ports.insert(number);
            }
            None => reachable.unknown = true,
        },
    }
}

fn container_port(pod: &Workload<'_>, name: &str) -> Option<i64> {
    let ports = pod.pod.iter().flat_map(|pod| &pod.containers).flat_map(|container| &container.ports);
    ports
        .filter(|port| port.name.as_ref().map(Text::as_str) == Some(name))
        .find_map(|port| port.container_port)
        .map(|n| n.value)
}

fn check(gateway: &Object<Gateway>, reachable: &Reachable<'_>, sink: &mut Sink) {
    if reachable.unknown {
        return;
    }
    for server in &gateway.spec.servers {
        let on_socket = server.bind.as_ref().is_some_and(|bind| bind.as_str().starts_with("unix://"));
        let Some(number) = server.port.as_ref().and_then(|port| port.number).filter(|_| !on_socket) else { continue };
        if reachable.ports.contains(&number.value) {
            continue;
        }
        let ports: Vec<String> = reachable.ports.iter().map(ToString::to_string).collect();
        let services: Vec<&str> = reachable.services.keys().map(String::as_str).collect();
        let finding = sink.report(
            &PORT_NOT_ON_SERVICE,
            &gateway.meta,
            number.span(),
            format!(
                "No Service of the pods `{}` has the port {}, so nobody can connect to it.",
                policy_scope::text(&gateway.spec.selector),
                number.value
            ),
        );
        finding.help(format!("add the port to {}, which has {}", services.join(", "), ports.join(", ")));
        for service in reachable.services.values() {
            finding.related(service.meta.file, service.meta.name_span(), "a Service of the gateway");
        }
    }
}

//! IST0116 and IST0137: several Services in front of one Deployment that contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{control_plane, in_mesh};
use crate::declare_code;
use crate::diagnostics::{Diagnostic, Sink};
use crate::dialects::kubernetes::types::{Service, ServicePort};
use crate::dialects::object::Object;
use crate::schema::values::text_or_empty;

declare_code! {
    /// One port of a Deployment with two protocols
    ///
    /// ## Why
    ///
    /// Several Services select the same pods and expose the same port number, one as TCP and one as UDP. A sidecar keeps one
    /// protocol for a port, so traffic of one of them breaks.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: dns-tcp}
    /// spec:
    ///   selector: {app: dns}
    ///   ports: [{name: tcp-dns, port: 5353, protocol: TCP}]
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: dns-udp}
    /// spec:
    ///   selector: {app: dns}
    ///   ports: [{name: udp-dns, port: 5353, protocol: UDP}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: dns}
    /// spec:
    ///   selector: {app: dns}
    ///   ports:
    ///   - {name: tcp-dns, port: 5353, protocol: TCP}
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the ports different numbers, or leave one protocol to a Service outside the mesh.
    pub PROTOCOLS = "IST0116", "DeploymentAssociatedToMultipleServices", Warning
}

declare_code! {
    /// One target port behind different Service ports
    ///
    /// ## Why
    ///
    /// Several Services lead to the same port of the same pods under different port numbers. The sidecar of the pods sees
    /// one inbound port and takes one Service's settings for it, so routing and metrics of the other are wrong.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web}
    /// spec:
    ///   selector: {app: web}
    ///   ports: [{name: http, port: 80, targetPort: 8080}]
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web-internal}
    /// spec:
    ///   selector: {app: web}
    ///   ports: [{name: http, port: 9080, targetPort: 8080}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web}
    /// spec:
    ///   selector: {app: web}
    ///   ports: [{name: http, port: 80, targetPort: 8080}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one port number in all Services of these pods, or give each its own target port.
    pub TARGET_PORTS = "IST0137", "DeploymentConflictingPorts", Warning
}

/// Compares the Services in front of each Deployment.
pub static ANALYZER: Analyzer = Analyzer {
    name: "deployment.MultiServiceAnalyzer",
    summary: "Services in front of one Deployment do not contradict each other",
    codes: &[&PROTOCOLS, &TARGET_PORTS],
    run,
    default: true,
};

type Fronts<'m> = [&'m Object<Service>];
/// A port and the Service it belongs to.
type Front<'m> = (&'m Object<Service>, &'m ServicePort);

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for workload in cx.workloads.iter().filter(|workload| workload.meta.kind == "Deployment") {
        if control_plane::is_managed_gateway(workload.meta) || in_mesh::has_sidecar(cx, workload) != Some(true) {
            continue;
        }
        let mut fronts = cx.services_of(workload);
        fronts.retain(|service| service.meta.cluster == workload.meta.cluster);
        if !fronts.is_empty() {
            protocols(workload, &fronts, sink);
        }
        if fronts.len() > 1 {
            target_ports(workload, &fronts, sink);
        }
    }
}

/// Ports of all Services with the Service they belong to.
fn ports<'m>(fronts: &Fronts<'m>) -> impl Iterator<Item = (&'m Object<Service>, i64, &'m ServicePort)> {
    fronts.iter().flat_map(|service| {
        let ports = service.spec.spec.iter().flat_map(|spec| spec.ports.iter());
        ports.filter_map(|port| Some((*service, port.port.as_ref()?.value, port)))
    })
}

fn protocols(workload: &Workload<'_>, fronts: &Fronts<'_>, sink: &mut Sink) {
    let mut by_port: BTreeMap<i64, BTreeMap<String, Vec<Front<'_>>>> = BTreeMap::new();
    for (service, number, port) in ports(fronts) {
        let protocol = match text_or_empty(port.protocol.as_ref()) {
            "" => "TCP".to_owned(),
            other => other.to_owned(),
        };
        by_port.entry(number).or_default().entry(protocol).or_default().push((service, port));
    }
    for (number, by_protocol) in by_port.into_iter().filter(|(_, by_protocol)| by_protocol.len() > 1) {
        let services: BTreeSet<String> =
            by_protocol.values().flatten().map(|(service, _)| service.meta.full_name()).collect();
        let message = format!(
            "The Deployment {} is behind several Services on port {number} with different protocols: {}.",
            workload.meta.full_name(),
            join(&services)
        );
        let finding = sink.report(&PROTOCOLS, workload.meta, workload.meta.name_span(), message);
        finding.label("one port, two protocols").help("Give the ports different numbers.");
        for (protocol, (service, port)) in by_protocol.iter().flat_map(|(p, list)| list.iter().map(move |one| (p, one)))
        {
            point(finding, service, port, &format!("{protocol} here"));
        }
    }
}

fn target_ports(workload: &Workload<'_>, fronts: &Fronts<'_>, sink: &mut Sink) {
    let mut by_target: BTreeMap<String, BTreeMap<i64, Front<'_>>> = BTreeMap::new();
    for (service, number, port) in ports(fronts) {
        let target = port.target_port.as_ref().map(|target| target.value.to_string()).filter(|text| text != "0");
        let target = target.unwrap_or_else(|| number.to_string());
        by_target.entry(target).or_default().insert(number, (service, port));
    }
    for (target, by_port) in by_target.into_iter().filter(|(_, by_port)| by_port.len() > 1) {
        let services: BTreeSet<String> = by_port.values().map(|(service, _)| service.meta.full_name()).collect();
        let numbers: BTreeSet<String> = by_port.keys().map(i64::to_string).collect();
        let message = format!(
            "The Deployment {} is behind {} with the same targetPort \"{target}\" and different ports {}.",
            workload.meta.full_name(),
            join(&services),
            join(&numbers)
        );
        let finding = sink.report(&TARGET_PORTS, workload.meta, workload.meta.name_span(), message);
        finding
            .label("one target port under several numbers")
            .help("Use one port number in all Services of these pods.");
        for (number, (service, port)) in &by_port {
            point(finding, service, port, &format!("port {number} here"));
        }
    }
}

fn point(finding: &mut Diagnostic, service: &Object<Service>, port: &ServicePort, text: &str) {
    let span = port.port.as_ref().map_or(port.place.span(), crate::schema::At::span);
    finding.related(service.meta.file, span, text);
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

//! IST0101 and IST0112: hosts of destinations exist, are visible, and have the port. Also IST0140 (see ingress_subset).

use super::ingress_subset;
use super::targets::{Target, targets};
use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::hosts::{Known, Lookup};
use crate::analyzers::shared::suggestions::Suggestions;
use crate::analyzers::shared::visibility::Visibility;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::VirtualService;
use crate::dialects::object::{Meta, Object};

declare_code! {
    /// A destination with several ports and none chosen
    ///
    /// ## Why
    ///
    /// The service behind the host has several ports and the route does not say which. A sidecar then uses the port that
    /// the caller asked for; a gateway listens on a port that the service does not have, and answers 503.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web # has the ports 80 and 9090
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
    ///   hosts: [web]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    ///         port:
    ///           number: 80
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `port: {number: N}` to the destination.
    pub PORT_REQUIRED = "IST0112", "VirtualServiceDestinationPortSelectorRequired", Error
}

/// Checks the destinations of every VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.DestinationHostAnalyzer",
    summary: "Destination hosts and their ports exist",
    codes: &[&REFERENCED_RESOURCE_NOT_FOUND, &PORT_REQUIRED, &ingress_subset::INGRESS_ROUTE_RULES_NOT_AFFECTED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut suggestions = Suggestions::default();
    for object in &cx.virtual_services {
        let users = Visibility::of(&object.spec.export_to, &object.meta.namespace).users(&object.meta.namespace);
        for target in targets(&object.spec) {
            check(cx, &mut suggestions, (object, &target, &users), sink);
        }
    }
    ingress_subset::check(cx, sink);
}

fn check(
    cx: &Context<'_>,
    suggestions: &mut Suggestions,
    (object, target, users): (&Object<VirtualService>, &Target<'_>, &[&str]),
    sink: &mut Sink,
) {
    let meta = &object.meta;
    let word = if target.is_mirror { "mirror host" } else { "host" };
    let Some(host) = target.host().filter(|host| !host.as_str().is_empty()) else {
        if !cx.services.is_empty() {
            sink.report(&REFERENCED_RESOURCE_NOT_FOUND, meta, target.span(), format!("The route has no {word}."))
                .label("no destination")
                .help("add `destination: {host: NAME}`");
        }
        return;
    };
    let hosts = cx.hosts();
    let name = hosts.full_name(host.as_str(), &meta.namespace);
    match hosts.lookup(&name, users) {
        Lookup::Found(known) => port(meta, target, known, &hosts.ports(&name, users), sink),
        Lookup::Undecided => sink.undecided("destination hosts", "Services"),
        Lookup::Hidden(known) => {
            let other = known.backend.meta();
            sink.report(
                &REFERENCED_RESOURCE_NOT_FOUND,
                meta,
                host.span(),
                format!("The {word} {:?} exists, but is not visible from namespace {}.", host.as_str(), users.join(", ")),
            )
            .label("not visible from here")
            .help("export the service to this namespace (`exportTo`, or the annotation networking.istio.io/exportTo of a Service)")
            .related(other.file, other.name_span(), "the service that is exported elsewhere");
        }
        Lookup::Unknown => unknown(cx, suggestions, meta, target, (word, &name), sink),
    }
}

fn unknown(
    cx: &Context<'_>,
    suggestions: &mut Suggestions,
    meta: &Meta,
    target: &Target<'_>,
    (word, name): (&str, &str),
    sink: &mut Sink,
) {
    let Some(host) = target.host() else { return };
    let own = cx.services_in(&meta.namespace);
    let near = suggestions.find(|| crate::near::nearest(host.as_str(), own.iter().map(|service| service.meta.name())));
    let other = if near.is_none() { suggestions.find(|| elsewhere(cx, host.as_str())) } else { None };
    let help = match (near, other) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(other)) => format!("the namespace {} has it: write `{other}`", namespace_in(&other)),
        (None, None) if host.as_str().contains('.') => {
            "for a service outside of the cluster add a ServiceEntry with this host".to_owned()
        }
        (None, None) => format!("add a Service with this name to namespace {}, or name another host", meta.namespace),
    };
    sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        meta,
        target.span(),
        format!("No Service or ServiceEntry has the {word} {:?} (read as {name}).", host.as_str()),
    )
    .label("unknown host")
    .help(help);
}

/// The full name of a Service of another namespace that a short host may mean, when there is exactly one.
fn elsewhere(cx: &Context<'_>, host: &str) -> Option<String> {
    let (name, namespace) = host.split_once('.').map_or((host, None), |(name, rest)| (name, Some(rest)));
    let domain = &cx.options.cluster_domain;
    if let Some(namespace) = namespace {
        return cx.service(namespace, name).map(|_| format!("{name}.{namespace}.svc.{domain}"));
    }
    let mut found = cx.services.iter().filter(|service| service.meta.name() == name);
    let first = found.next()?;
    found.next().is_none().then(|| format!("{name}.{}.svc.{domain}", first.meta.namespace))
}

fn namespace_in(full_name: &str) -> &str {
    full_name.split('.').nth(1).unwrap_or_default()
}

fn port(meta: &Meta, target: &Target<'_>, known: &Known<'_>, all: &[i64], sink: &mut Sink) {
    let (Some(host), Some(destination)) = (target.host(), target.destination) else { return };
    let service = known.backend.meta();
    let Some(port) = destination.port.as_ref().and_then(|port| port.number.as_ref()) else {
        let ports = known.backend.ports();
        if destination.port.is_none() && ports.len() > 1 {
            sink.report(
                &PORT_REQUIRED,
                meta,
                host.span(),
                format!(
                    "The service {:?} has several ports ({}); the destination must name one.",
                    host.as_str(),
                    list(&ports)
                ),
            )
            .label("which port?")
            .help(format!("add `port: {{number: {}}}` or another of its ports", ports[0]))
            .related(service.file, service.name_span(), "the service");
        }
        return;
    };
    if all.is_empty() || all.contains(&port.value) {
        return;
    }
    sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        meta,
        port.span(),
        format!("The service {:?} has no port {}.", host.as_str(), port.value),
    )
    .label("no such port")
    .help(format!("its ports are: {}", list(all)))
    .related(service.file, service.name_span(), "the service");
}

fn list(ports: &[i64]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

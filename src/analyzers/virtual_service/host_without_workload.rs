//! IST9007: a destination whose Service selects no workload.

use super::targets::targets;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::hosts::{Backend, Lookup};
use crate::analyzers::shared::pods_known::PodsKnown;
use crate::analyzers::shared::visibility::Visibility;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::Service;
use crate::dialects::object::{Meta, Object};
use crate::schema::Text;

declare_code! {
    /// A destination without any workload
    ///
    /// ## Why
    ///
    /// The Service behind the host exists, but no workload of its namespace carries the labels of its selector. It has no
    /// endpoints, and every request gets 503 (UH).
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: website # the pods carry app: web
    ///   ports:
    ///   - {name: http, port: 80}
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
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    ///   ports:
    ///   - {name: http, port: 80}
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the selector of the Service or the labels of the pod template.
    pub HOST_WITHOUT_WORKLOAD = "IST9007", "HostWithoutWorkload", Warning
}

/// Checks the Services behind the destinations of every VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.HostWithoutWorkload",
    summary: "Services behind destinations have workloads",
    codes: &[&HOST_WITHOUT_WORKLOAD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let pods = PodsKnown::new(cx);
    for object in &cx.virtual_services {
        let users = Visibility::of(&object.spec.export_to, &object.meta.namespace).users(&object.meta.namespace);
        for target in targets(&object.spec) {
            let Some(host) = target.host() else { continue };
            let name = cx.hosts().full_name(host.as_str(), &object.meta.namespace);
            if let Lookup::Found(known) = cx.hosts().lookup(&name, &users)
                && let Backend::Service(service) = known.backend
            {
                check(cx, &pods, (&object.meta, host, service), sink);
            }
        }
    }
}

fn check(
    cx: &Context<'_>,
    pods: &PodsKnown<'_, '_>,
    (meta, host, service): (&Meta, &Text, &Object<Service>),
    sink: &mut Sink,
) {
    let selector = service.spec.spec.as_ref().map(|spec| &spec.selector);
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { return };
    let namespace = &*service.meta.namespace;
    if cx.select(Some(namespace), selector).next().is_some() {
        return;
    }
    if !pods.in_namespace(namespace) {
        sink.undecided("workloads behind destinations", "Pods or workloads");
        return;
    }
    let labels: Vec<String> = selector.pairs().map(|(key, value)| format!("{key}={value}")).collect();
    sink.report(
        &HOST_WITHOUT_WORKLOAD,
        meta,
        host.span(),
        format!(
            "Service {} behind the host {:?} selects no workload of its namespace ({}).",
            service.meta.full_name(),
            host.as_str(),
            labels.join(", ")
        ),
    )
    .label("requests get 503")
    .help("correct the selector of the Service, or the labels of the pod template")
    .related(
        service.meta.file,
        selector.place.map_or(service.meta.name_span(), crate::manifests::source::Place::entry),
        "this selector",
    );
}

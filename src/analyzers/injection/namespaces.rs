//! IST0102, IST0103, IST0123, IST0148: namespaces and their injection labels, and pods without a proxy.

use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::control_plane::is_system_namespace;
use crate::analyzers::shared::in_mesh::{self, DATAPLANE_MODE, INJECTION, REVISION};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::Namespace;
use crate::dialects::object::Object;

use super::injector;

declare_code! {
    /// A namespace that is not in the mesh
    ///
    /// ## Why
    ///
    /// The namespace has no label that asks for sidecars or ambient mode, so its pods stay outside the mesh, unless they ask
    /// themselves.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels:
    ///     istio-injection: enabled
    /// ```
    ///
    /// ## Fix
    ///
    /// Label it `istio-injection: enabled` (or `istio.io/rev: REVISION`, or `istio.io/dataplane-mode: ambient`), or
    /// `istio-injection: disabled` to say that it stays outside.
    pub NOT_INJECTED = "IST0102", "NamespaceNotInjected", Info
}

declare_code! {
    /// A pod without its proxy
    ///
    /// ## Why
    ///
    /// The namespace asks for injection, but the pod has no proxy. It was created before the label was set, or while the
    /// injector did not answer. It is outside the mesh: no mutual TLS, no policies, no telemetry.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: injected # labelled istio-injection: enabled
    /// spec:
    ///   containers: [{name: web, image: "web:1"}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: injected
    /// spec:
    ///   containers:
    ///   - {name: web, image: "web:1"}
    ///   - {name: istio-proxy, image: "proxyv2:1.28.0"}
    /// ```
    ///
    /// ## Fix
    ///
    /// Restart the pod (`kubectl rollout restart deployment NAME`). If it shall stay outside, give it the label
    /// `sidecar.istio.io/inject: "false"`.
    pub MISSING_PROXY = "IST0103", "PodMissingProxy", Warning
}

declare_code! {
    /// A namespace with labels of several kinds of injection
    ///
    /// ## Why
    ///
    /// `istio-injection`, `istio.io/rev` and `istio.io/dataplane-mode: ambient` choose different ways into the mesh. With
    /// two of them one wins without a word: `istio-injection` beats the revision, so an upgrade by revision does not
    /// happen.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels:
    ///     istio-injection: enabled
    ///     istio.io/rev: canary
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels:
    ///     istio.io/rev: canary
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one of the labels.
    pub SEVERAL_LABELS = "IST0123", "NamespaceMultipleInjectionLabels", Warning
}

declare_code! {
    /// A namespace that is injected by default
    ///
    /// ## Why
    ///
    /// The injector is set to `enableNamespacesByDefault`, so pods of this namespace get sidecars although it has no label.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop # with enableNamespacesByDefault: true
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels:
    ///     istio-injection: enabled
    /// ```
    ///
    /// ## Fix
    ///
    /// Label the namespace `istio-injection: enabled` or `disabled`, so that it does not depend on the default.
    pub BY_DEFAULT = "IST0148", "NamespaceInjectionEnabledByDefault", Info
}

/// Checks injection labels and pods in injected namespaces.
pub static ANALYZER: Analyzer = Analyzer {
    name: "injection.Analyzer",
    summary: "Namespaces say whether they are in the mesh, and their pods have proxies",
    codes: &[&NOT_INJECTED, &MISSING_PROXY, &SEVERAL_LABELS, &BY_DEFAULT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let by_default = injector::all(cx)
        .any(|(map, values)| map.meta.name() == injector::PREFIX && injector::injects_by_default(&values));
    for namespace in &cx.namespaces {
        let name = namespace.meta.name();
        if name != cx.mesh.root_namespace() && !is_system_namespace(name) {
            check_namespace(namespace, by_default, sink);
        }
    }
    for workload in cx.workloads.iter().filter(|workload| workload.is_pod()) {
        check_pod(cx, workload, sink);
    }
}

fn check_namespace(namespace: &Object<Namespace>, by_default: bool, sink: &mut Sink) {
    let meta = &namespace.meta;
    let name = meta.name();
    let labels = &meta.labels;
    let injection = labels.entry(INJECTION).filter(|(_, value)| value.as_str() != "");
    let ambient = labels.entry(DATAPLANE_MODE).filter(|(_, value)| value.as_str() == "ambient");
    let set: Vec<_> = [injection, labels.entry(REVISION), ambient].into_iter().flatten().collect();
    match &set[..] {
        [] if labels.get(DATAPLANE_MODE).is_some() => {}
        [] if by_default => {
            let message = "The namespace is injected, because enableNamespacesByDefault is set.";
            sink.report(&BY_DEFAULT, meta, meta.name_span(), message).label("injected without a label");
        }
        [] => {
            let message = format!(
                "The namespace {name} is not in the mesh. Run `kubectl label namespace {name} istio-injection=enabled` to \
                 inject sidecars, or `kubectl label namespace {name} istio-injection=disabled` to say that it stays out."
            );
            sink.report(&NOT_INJECTED, meta, meta.name_span(), message).label("no injection label");
        }
        [(first, _), (second, _), ..] if labels.text(INJECTION) != Some("disabled") => {
            let names: Vec<&str> = set.iter().map(|(key, _)| key.as_str()).collect();
            let message = format!("The namespace has several kinds of injection labels: {}.", names.join(", "));
            sink.report(&SEVERAL_LABELS, meta, second.span(), message)
                .label("a second way into the mesh")
                .related(meta.file, first.span(), "the first one")
                .help("Keep one of them.");
        }
        _ => {}
    }
}

fn check_pod(cx: &Context<'_>, workload: &Workload<'_>, sink: &mut Sink) {
    let Some(namespace) = cx.namespace(&workload.meta.namespace) else { return };
    let says = in_mesh::says_inject(workload.labels).or_else(|| in_mesh::says_inject(workload.annotations));
    let on_host = workload.pod.and_then(|pod| pod.host_network.as_ref()).is_some_and(|host| host.value);
    let done = workload.pod.is_none() || in_mesh::has_proxy(workload.pod);
    if in_mesh::injects(namespace) != Some(true) || says == Some(false) || on_host || done {
        return;
    }
    let message = format!("The pod {} lacks the proxy that its namespace asks for.", workload.meta.full_name());
    sink.report(&MISSING_PROXY, workload.meta, workload.meta.name_span(), message)
        .label("no container istio-proxy")
        .related(namespace.meta.file, namespace.meta.name_span(), "this namespace is injected")
        .help("Restart a running pod so that the proxy is injected.");
}

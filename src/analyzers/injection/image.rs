//! IST0158: proxies of another release than the injector's.

use std::collections::BTreeMap;

use super::injector;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::in_mesh::{INJECTION, REVISION};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::Container;

declare_code! {
    /// Pods whose proxy is not the injector's
    ///
    /// ## Why
    ///
    /// The proxies of these pods have another image than the injector adds today: they were created before an upgrade and
    /// still run the old release.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # The injector adds proxyv2:1.28.0.
    /// spec:
    ///   containers:
    ///   - {name: istio-proxy, image: "docker.io/istio/proxyv2:1.26.0"}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   containers:
    ///   - {name: istio-proxy, image: "docker.io/istio/proxyv2:1.28.0"}
    /// ```
    ///
    /// ## Fix
    ///
    /// Restart the workloads of the namespace, so that their pods get the current proxy.
    pub MISMATCH = "IST0158", "PodsIstioProxyImageMismatchInNamespace", Warning
}

/// Compares the proxies of pods with the injector's image, one finding a namespace.
pub static ANALYZER: Analyzer = Analyzer {
    name: "injection.ImageAnalyzer",
    summary: "Proxies of pods have the injector's image",
    codes: &[&MISMATCH],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let images: BTreeMap<String, String> = injector::all(cx)
        .filter_map(|(map, values)| Some((map.meta.name().to_owned(), injector::image(&values)?)))
        .collect();
    if images.is_empty() {
        return;
    }
    let mut by_namespace: BTreeMap<&str, Vec<(&Workload<'_>, &Container)>> = BTreeMap::new();
    for workload in cx.workloads.iter().filter(|workload| workload.is_pod()) {
        let revision = cx.namespace(&workload.meta.namespace).and_then(|ns| {
            let labels = &ns.meta.labels;
            labels.text(REVISION).or_else(|| (labels.text(INJECTION) == Some("enabled")).then_some("default"))
        });
        let Some(image) = revision.and_then(|revision| images.get(&injector::name_of(revision))) else { continue };
        let chosen = workload.annotations.text("sidecar.istio.io/proxyImage").is_some_and(|image| !image.is_empty());
        let other = proxy(workload).filter(|proxy| !has_image(proxy, image));
        if let Some(proxy) = other.filter(|_| !chosen) {
            by_namespace.entry(&*workload.meta.namespace).or_default().push((workload, proxy));
        }
    }
    for (namespace, pods) in by_namespace {
        let Some(namespace) = cx.namespace(namespace) else { continue };
        let names: Vec<&str> = pods.iter().map(|(workload, _)| workload.meta.name()).collect();
        let message =
            format!("The proxies of these pods have another image than the injector adds: {}.", names.join(", "));
        let finding = sink.report(&MISMATCH, &namespace.meta, namespace.meta.name_span(), message);
        finding.label("holds pods with other proxies").help("Restart the workloads to get the current proxy.");
        for (workload, proxy) in pods.iter().take(5) {
            let span = proxy.image.as_ref().map_or(workload.meta.name_span(), crate::schema::At::span);
            finding.related(workload.meta.file, span, "another image here");
        }
    }
}

fn proxy<'m>(workload: &Workload<'m>) -> Option<&'m Container> {
    let pod = workload.pod?;
    let mut all = pod.containers.iter().chain(&pod.init_containers);
    all.find(|container| container.name.as_ref().is_some_and(|name| name.as_str() == "istio-proxy"))
}

fn has_image(proxy: &Container, image: &str) -> bool {
    let own = proxy.image.as_ref().map_or("", |own| own.as_str());
    injector::without_variant(own) == injector::without_variant(image)
}

//! IST0146 and IST0147: the image `auto` where nothing replaces it.

use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::label_selector;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::Webhook;
use crate::schema::{Map, Text};

declare_code! {
    /// A Deployment with image `auto` that no injector sees
    ///
    /// ## Why
    ///
    /// `auto` is no image. The injector replaces it in pods that it is called for; no webhook of the input selects these
    /// pods, so they will fail to pull.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   template:
    ///     metadata:
    ///       labels: {istio: ingressgateway}
    ///     spec:
    ///       containers: [{name: istio-proxy, image: auto}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   template:
    ///     metadata:
    ///       labels: {istio: ingressgateway, sidecar.istio.io/inject: "true"}
    ///     spec:
    ///       containers: [{name: istio-proxy, image: auto}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Label the pods `sidecar.istio.io/inject: "true"`, or the namespace `istio-injection: enabled`.
    pub AUTO_TEMPLATE = "IST0146", "ImageAutoWithoutInjectionWarning", Warning
}

declare_code! {
    /// A pod with image `auto`
    ///
    /// ## Why
    ///
    /// `auto` is no image. The injector would have replaced it, so it was not called when this pod was created, and the
    /// container cannot start.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: gateway}
    /// spec:
    ///   containers: [{name: istio-proxy, image: auto}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: gateway}
    /// spec:
    ///   containers: [{name: istio-proxy, image: "docker.io/istio/proxyv2:1.28.0"}]
    /// ```
    ///
    /// ## Fix
    ///
    /// See that the injector selects the pod (label `sidecar.istio.io/inject: "true"`), and create it again.
    pub AUTO_POD = "IST0147", "ImageAutoWithoutInjectionError", Error
}

/// Finds the image `auto` where no injector replaces it.
pub static ANALYZER: Analyzer = Analyzer {
    name: "injection.ImageAutoAnalyzer",
    summary: "Pods with image auto are injected",
    codes: &[&AUTO_TEMPLATE, &AUTO_POD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let webhooks: Vec<&Webhook> = cx
        .mutating_webhooks
        .iter()
        .flat_map(|object| object.spec.webhooks.iter())
        .filter(|webhook| webhook.name.as_ref().is_some_and(|name| name.as_str().ends_with("istio.io")))
        .collect();
    for workload in &cx.workloads {
        let Some(image) = auto_image(workload) else { continue };
        let (kind, name) = (workload.meta.kind, workload.meta.name());
        if workload.is_pod() {
            let message = format!("{kind} {name} has the image `auto`, so it was not injected and cannot start.");
            sink.report(&AUTO_POD, workload.meta, image.span(), message)
                .label("no image of this name")
                .help("Make the injector select the pod, and create it again.");
        } else if webhooks.is_empty() {
            sink.undecided("images `auto`", "injector webhooks");
        } else if !webhooks.iter().any(|webhook| selects(cx, webhook, workload)) {
            let message = format!("{kind} {name} has the image `auto`, but no injector webhook selects its pods.");
            sink.report(&AUTO_TEMPLATE, workload.meta, image.span(), message)
                .label("nothing replaces this")
                .help("Label the pods `sidecar.istio.io/inject: \"true\"`.");
        }
    }
}

fn auto_image<'m>(workload: &Workload<'m>) -> Option<&'m Text> {
    let containers = workload.pod?.containers.iter();
    let mut proxies = containers.filter(|c| c.name.as_ref().is_some_and(|name| name.as_str() == "istio-proxy"));
    proxies.find_map(|proxy| proxy.image.as_ref().filter(|image| image.as_str() == "auto"))
}

static NO_LABELS: Map<Text> = Map { entries: Vec::new(), place: None };

fn selects(cx: &Context<'_>, webhook: &Webhook, workload: &Workload<'_>) -> bool {
    let namespace = cx.namespace(&workload.meta.namespace).map_or(&NO_LABELS, |ns| &ns.meta.labels);
    label_selector::matches(webhook.namespace_selector.as_ref(), namespace)
        && label_selector::matches(webhook.object_selector.as_ref(), workload.labels)
}

//! The pods behind a Gateway's selector.
//!
//! Istio looks for them in every namespace. Gateways of Istio's own charts are usually installed apart from the manifests
//! that use them, so a selector for one of them is no mistake when its pods are not in the input.

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::shared::policy_scope;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Gateway;
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::{Map, Text};

/// Labels of the gateways that Istio's charts and operator install.
const INSTALLED: &[(&str, &[&str])] = &[
    ("istio", &["ingressgateway", "egressgateway", "eastwestgateway", "ingress", "egress"]),
    ("app", &["istio-ingressgateway", "istio-egressgateway", "istio-eastwestgateway", "istio-ingress", "istio-egress"]),
];

/// The pods that a Gateway's selector takes, in all namespaces. An empty selector takes every pod, which says nothing.
pub fn pods<'s>(cx: &'s Context<'_>, gateway: &'s Object<Gateway>) -> Vec<&'s Workload<'s>> {
    if gateway.spec.selector.is_empty() { Vec::new() } else { cx.select(None, &gateway.spec.selector).collect() }
}

/// True when the selector is for a gateway of Istio's charts.
pub fn is_installed_apart(selector: &Map<Text>) -> bool {
    INSTALLED.iter().any(|(key, values)| selector.text(key).is_some_and(|value| values.contains(&value)))
}

/// Where a selector stands: its first entry. Nothing when it is empty.
pub fn selector_span(labels: &Map<Text>) -> Option<Span> {
    labels.entries.first().map(|(key, value)| Span::new(key.span().start, value.span().end.max(key.span().end)))
}

/// Reports that no pod matches, or that the input cannot say. Every analyzer that needs the pods says it in the same words,
/// so that it is reported once. `open` is what stays undecided.
pub fn report_no_pods(cx: &Context<'_>, gateway: &Object<Gateway>, sink: &mut Sink, open: &'static str) {
    let selector = &gateway.spec.selector;
    let Some(span) = selector_span(selector) else { return };
    if cx.workloads.is_empty() || is_installed_apart(selector) {
        sink.undecided(open, "Pods or workloads of the gateway");
        return;
    }
    let text = policy_scope::text(selector);
    sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        &gateway.meta,
        span,
        format!("No pod has the labels `{text}`, so no gateway takes this configuration."),
    )
    .label("selects nothing")
    .help(
        "use the labels of the gateway's pods; `istio: ingressgateway` selects the gateway of Istio's default profile",
    );
}

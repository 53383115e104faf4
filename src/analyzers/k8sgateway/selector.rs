//! IST0166: policies that select the pods of a Kubernetes Gateway by label.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::gateways::selector_span;
use crate::analyzers::shared::policy_scope::has_targets;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::WorkloadSelector;
use crate::dialects::object::Meta;

declare_code! {
    /// A selector does not reach a Kubernetes Gateway
    ///
    /// ## Why
    ///
    /// Policies are attached to gateways of the Kubernetes Gateway API and to waypoints with `targetRefs`. A selector that
    /// finds their pods by label has no effect there, so the protection that it promises is missing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata: {name: office-only, namespace: shop}
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       gateway.networking.k8s.io/gateway-name: shop
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata: {name: office-only, namespace: shop}
    /// spec:
    ///   targetRefs:
    ///   - group: gateway.networking.k8s.io
    ///     kind: Gateway
    ///     name: shop
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the selector with `targetRefs`.
    pub INEFFECTIVE_SELECTOR = "IST0166", "IneffectiveSelector", Warning
}

/// Finds policies whose selector takes pods of a Kubernetes Gateway.
pub static ANALYZER: Analyzer = Analyzer {
    name: "k8sgateway.SelectorAnalyzer",
    summary: "Policies that select pods of a Kubernetes Gateway instead of naming it",
    codes: &[&INEFFECTIVE_SELECTOR],
    run,
    default: true,
};

/// Label that the Gateway controller gives its pods.
const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    if !cx.workloads.iter().any(|pod| pod.labels.get(GATEWAY).is_some()) {
        return;
    }
    let model = cx.model();
    for policy in &model.authorization_policies {
        if !has_targets(policy.spec.target_ref.as_ref(), &policy.spec.target_refs) {
            check(cx, &policy.meta, policy.spec.selector.as_ref(), sink);
        }
    }
    for policy in &model.request_authentications {
        if !has_targets(policy.spec.target_ref.as_ref(), &policy.spec.target_refs) {
            check(cx, &policy.meta, policy.spec.selector.as_ref(), sink);
        }
    }
    for policy in &model.telemetries {
        if !has_targets(policy.spec.target_ref.as_ref(), &policy.spec.target_refs) {
            check(cx, &policy.meta, policy.spec.selector.as_ref(), sink);
        }
    }
    for policy in &model.wasm_plugins {
        if !has_targets(policy.spec.target_ref.as_ref(), &policy.spec.target_refs) {
            check(cx, &policy.meta, policy.spec.selector.as_ref(), sink);
        }
    }
}

fn check(cx: &Context<'_>, meta: &Meta, selector: Option<&WorkloadSelector>, sink: &mut Sink) {
    let Some(selector) = selector else { return };
    let mut pods = cx.select(Some(&meta.namespace), &selector.match_labels);
    let Some(gateway) = pods.find_map(|pod| pod.labels.text(GATEWAY)) else { return };
    sink.report(
        &INEFFECTIVE_SELECTOR,
        meta,
        selector_span(&selector.match_labels).unwrap_or(meta.name_span()),
        format!("The selector takes pods of the Kubernetes Gateway {gateway}, where it has no effect."),
    )
    .help(format!("use `targetRefs` with kind Gateway and name {gateway} instead of the selector"));
}

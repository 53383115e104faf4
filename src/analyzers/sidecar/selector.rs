//! IST0101, IST0110, IST0111 and IST0167: the pods of Sidecars.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::gateways::selector_span;
use crate::analyzers::shared::{in_mesh, policy_scope};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Sidecar;
use crate::dialects::object::Object;
use crate::schema::{Map, Text};

declare_code! {
    /// Two Sidecars select the same pod
    ///
    /// ## Why
    ///
    /// A proxy takes one Sidecar. When two select the same pod, which one wins is not defined and may change with every
    /// restart of istiod.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: cart, namespace: shop}
    /// spec:
    ///   workloadSelector: {labels: {app: cart}}
    ///   egress: [{hosts: ["./*"]}]
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: backend, namespace: shop}
    /// spec:
    ///   workloadSelector: {labels: {tier: backend}} # the cart pods have this label too
    ///   egress: [{hosts: ["./*", "istio-system/*"]}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: backend, namespace: shop}
    /// spec:
    ///   workloadSelector: {labels: {tier: backend}}
    ///   egress: [{hosts: ["./*", "istio-system/*"]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge the Sidecars, or change the labels so that each pod is selected once.
    pub CONFLICTING_SELECTORS = "IST0110", "ConflictingSidecarWorkloadSelectors", Error
}

declare_code! {
    /// A namespace has two Sidecars without a selector
    ///
    /// ## Why
    ///
    /// A Sidecar without `workloadSelector` is for all pods of its namespace. With two of them, which one wins is not
    /// defined.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: default, namespace: shop}
    /// spec:
    ///   egress: [{hosts: ["./*"]}]
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: egress, namespace: shop}
    /// spec:
    ///   egress: [{hosts: ["istio-system/*"]}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: default, namespace: shop}
    /// spec:
    ///   egress: [{hosts: ["./*", "istio-system/*"]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge them into one, or give all but one a `workloadSelector`.
    pub WITHOUT_SELECTOR = "IST0111", "MultipleSidecarsWithoutWorkloadSelectors", Error
}

declare_code! {
    /// A Sidecar for pods that have no sidecar
    ///
    /// ## Why
    ///
    /// Pods in ambient mode have no proxy beside them, so a Sidecar has no effect on them.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels: {istio.io/dataplane-mode: ambient}
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: default, namespace: shop}
    /// spec:
    ///   egress: [{hosts: ["./*"]}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: shop
    ///   labels: {istio-injection: enabled}
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Sidecar
    /// metadata: {name: default, namespace: shop}
    /// spec:
    ///   egress: [{hosts: ["./*"]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the Sidecar; in ambient mode restrict traffic with AuthorizationPolicies.
    pub INEFFECTIVE_POLICY = "IST0167", "IneffectivePolicy", Warning
}

/// Compares Sidecars with the pods of their namespaces.
pub static ANALYZER: Analyzer = Analyzer {
    name: "sidecar.SelectorAnalyzer",
    summary: "Sidecars without pods, two for the same pods, or for pods in ambient mode",
    codes: &[&REFERENCED_RESOURCE_NOT_FOUND, &CONFLICTING_SELECTORS, &WITHOUT_SELECTOR, &INEFFECTIVE_POLICY],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut whole: BTreeMap<&str, Vec<&Object<Sidecar>>> = BTreeMap::new();
    let mut selecting: BTreeMap<&str, Vec<&Object<Sidecar>>> = BTreeMap::new();
    for sidecar in &cx.model().sidecars {
        let side = if labels(sidecar).is_empty() { &mut whole } else { &mut selecting };
        side.entry(&sidecar.meta.namespace).or_default().push(sidecar);
    }
    for (namespace, sidecars) in &whole {
        check_whole(cx, namespace, sidecars, sink);
    }
    for (namespace, sidecars) in &selecting {
        check_selecting(cx, namespace, sidecars, sink);
    }
}

static NONE: Map<Text> = Map { entries: Vec::new(), place: None };

fn labels(sidecar: &Object<Sidecar>) -> &Map<Text> {
    sidecar.spec.workload_selector.as_ref().map_or(&NONE, |selector| &selector.labels)
}

fn check_whole(cx: &Context<'_>, namespace: &str, sidecars: &[&Object<Sidecar>], sink: &mut Sink) {
    let ambient = cx
        .namespace(namespace)
        .is_some_and(|ns| in_mesh::namespace_is_ambient(ns) && in_mesh::injects(ns) != Some(true));
    for sidecar in sidecars {
        let meta = &sidecar.meta;
        if ambient {
            sink.report(
                &INEFFECTIVE_POLICY,
                meta,
                meta.name_span(),
                format!(
                    "The namespace {namespace} is in ambient mode, so the Sidecar {} has no effect.",
                    meta.full_name()
                ),
            )
            .help("delete it; in ambient mode there are no sidecars");
            continue;
        }
        let Some(other) = sidecars.iter().find(|other| !std::ptr::eq(**other, *sidecar)) else { continue };
        let names: BTreeSet<&str> = sidecars.iter().map(|sidecar| sidecar.meta.name()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        sink.report(
            &WITHOUT_SELECTOR,
            meta,
            meta.name_span(),
            format!("The Sidecars {} are all for the whole namespace {namespace}; only one can be.", names.join(", ")),
        )
        .help("merge them, or give all but one a `workloadSelector`")
        .related(other.meta.file, other.meta.name_span(), "also without a selector");
    }
}

fn check_selecting<'m>(cx: &Context<'m>, namespace: &str, sidecars: &[&'m Object<Sidecar>], sink: &mut Sink) {
    // For each pod, by its place in the input, the Sidecars that select it.
    let mut by_pod: BTreeMap<(u32, u32), (String, Vec<usize>)> = BTreeMap::new();
    for (at, sidecar) in sidecars.iter().enumerate() {
        let pods: Vec<&Workload<'_>> = cx.select(Some(namespace), labels(sidecar)).collect();
        if pods.is_empty() {
            report_no_pods(cx, sidecar, sink);
            continue;
        }
        if pods.iter().all(|pod| is_ambient(cx, pod)) {
            let meta = &sidecar.meta;
            sink.report(
                &INEFFECTIVE_POLICY,
                meta,
                selector_span(labels(sidecar)).unwrap_or(meta.name_span()),
                format!("The pods of the Sidecar {} are in ambient mode, so it has no effect.", meta.full_name()),
            )
            .help("delete it; in ambient mode there are no sidecars");
            continue;
        }
        for pod in pods.into_iter().filter(|pod| !is_ambient(cx, pod)) {
            let key = (pod.meta.file.0, pod.meta.place.start);
            by_pod.entry(key).or_insert_with(|| (pod.meta.name().to_owned(), Vec::new())).1.push(at);
        }
    }
    let mut conflicts: BTreeMap<usize, (String, BTreeSet<usize>)> = BTreeMap::new();
    for (pod, selecting) in by_pod.into_values().filter(|(_, selecting)| selecting.len() > 1) {
        for at in &selecting {
            conflicts.entry(*at).or_insert_with(|| (pod.clone(), BTreeSet::new())).1.extend(&selecting);
        }
    }
    for (at, (pod, all)) in conflicts {
        report_conflict(namespace, sidecars, at, &pod, &all, sink);
    }
}

fn report_conflict(
    namespace: &str,
    sidecars: &[&Object<Sidecar>],
    at: usize,
    pod: &str,
    all: &BTreeSet<usize>,
    sink: &mut Sink,
) {
    let names: BTreeSet<&str> = all.iter().map(|number| sidecars[*number].meta.name()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let meta = &sidecars[at].meta;
    let finding = sink.report(
        &CONFLICTING_SELECTORS,
        meta,
        selector_span(labels(sidecars[at])).unwrap_or(meta.name_span()),
        format!("The Sidecars {} in {namespace} all select the pod {pod}; a proxy takes only one.", names.join(", ")),
    );
    finding.help("merge them, or change the labels so that each pod is selected once");
    for number in all.iter().filter(|number| **number != at) {
        let other = sidecars[*number];
        let span = selector_span(labels(other)).unwrap_or(other.meta.name_span());
        finding.related(other.meta.file, span, "selects it too");
    }
}

fn is_ambient(cx: &Context<'_>, pod: &Workload<'_>) -> bool {
    in_mesh::is_ambient(cx, pod) == Some(true) && in_mesh::has_sidecar(cx, pod) != Some(true)
}

fn report_no_pods(cx: &Context<'_>, sidecar: &Object<Sidecar>, sink: &mut Sink) {
    let meta = &sidecar.meta;
    let selector = labels(sidecar);
    let entries = cx.workload_entries.iter().filter(|entry| entry.meta.namespace == meta.namespace);
    let groups = cx.workload_groups.iter().filter(|group| group.meta.namespace == meta.namespace);
    let outside = entries.map(|entry| &entry.spec.labels).any(|labels| selector.selects(labels))
        || groups.filter_map(|group| group.spec.metadata.as_ref()).any(|metadata| selector.selects(&metadata.labels));
    if outside {
        return;
    }
    if cx.select(Some(&meta.namespace), &NONE).next().is_none() {
        sink.undecided("workload selectors of Sidecars", "Pods or workloads of their namespace");
        return;
    }
    let text = policy_scope::text(selector);
    sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        meta,
        selector_span(selector).unwrap_or(meta.name_span()),
        format!("No pod in the namespace {} has the labels `{text}`.", meta.namespace),
    )
    .label("selects nothing")
    .help("use the labels of the pods (those of the pod template, not of the Deployment)");
}

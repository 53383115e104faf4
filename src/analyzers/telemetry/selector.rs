//! Telemetry objects that select no workload, or the same one twice (IST0101, IST0159).

use std::collections::BTreeMap;

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::pods_known::PodsKnown;
use crate::analyzers::shared::policy_scope;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Telemetry;
use crate::dialects::object::Object;
use crate::manifests::source::FileId;

declare_code! {
    /// Two Telemetry objects for one workload
    ///
    /// ## Why
    ///
    /// A workload takes one Telemetry object by selector. When several select it, the oldest wins and the others are ignored
    /// without a word, so that a setting works in one cluster and not in the next.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: traces
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   tracing:
    ///   - randomSamplingPercentage: 5
    /// ---
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: logs
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web # the same pods
    ///   accessLogging:
    ///   - providers:
    ///     - name: envoy
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   tracing:
    ///   - randomSamplingPercentage: 5
    ///   accessLogging:
    ///   - providers:
    ///     - name: envoy
    /// ```
    ///
    /// ## Fix
    ///
    /// Put everything for the workload into one object, or make the selectors disjoint.
    pub CONFLICTING_SELECTORS = "IST0159", "ConflictingTelemetryWorkloadSelectors", Error
}

/// Reports selectors that fit nothing or overlap.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.SelectorAnalyzer",
    summary: "Selectors of Telemetry objects fit workloads, each of them once",
    codes: &[&CONFLICTING_SELECTORS, &REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

/// A workload with the objects that select it.
type Selected<'m> = (&'m Workload<'m>, Vec<&'m Object<Telemetry>>);

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let pods = PodsKnown::new(cx);
    // By the place of the workload, so that the order is that of the input.
    let mut by_workload: BTreeMap<(FileId, u32), Selected<'_>> = BTreeMap::new();
    for telemetry in &cx.telemetries {
        let Some(selector) = telemetry.spec.selector.as_ref().filter(|s| !s.match_labels.is_empty()) else { continue };
        let namespace = policy_scope::namespace(cx, &telemetry.meta);
        let known = namespace.map_or(!cx.workloads.is_empty(), |namespace| pods.in_namespace(namespace));
        if !known {
            sink.undecided("workloads of Telemetry selectors", "Pods or workloads");
            continue;
        }
        let mut any = false;
        for workload in policy_scope::workloads(cx, &telemetry.meta, Some(selector)) {
            any = true;
            let at = (workload.meta.file, workload.meta.place.start);
            by_workload.entry(at).or_insert_with(|| (workload, Vec::new())).1.push(telemetry);
        }
        if !any && !policy_scope::is_made_elsewhere(&selector.match_labels) {
            not_found(telemetry, sink);
        }
    }
    for (workload, telemetries) in by_workload.values() {
        if telemetries.len() > 1 {
            conflict(workload, telemetries, sink);
        }
    }
}

fn not_found(telemetry: &Object<Telemetry>, sink: &mut Sink) {
    let labels = policy_scope::labels(telemetry.spec.selector.as_ref());
    let span = labels.place.map_or_else(|| telemetry.meta.name_span(), crate::manifests::source::Place::span);
    sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        &telemetry.meta,
        span,
        format!("Referenced selector not found: no workload has the labels {:?}.", policy_scope::text(labels)),
    )
    .label("fits no workload")
    .help("compare the labels with those of the pods in the same namespace");
}

fn conflict(workload: &Workload<'_>, telemetries: &[&Object<Telemetry>], sink: &mut Sink) {
    let mut names: Vec<&str> = telemetries.iter().map(|telemetry| telemetry.meta.name()).collect();
    names.sort_unstable();
    for telemetry in telemetries {
        let labels = policy_scope::labels(telemetry.spec.selector.as_ref());
        let span = labels.place.map_or_else(|| telemetry.meta.name_span(), crate::manifests::source::Place::span);
        let diagnostic = sink.report(
            &CONFLICTING_SELECTORS,
            &telemetry.meta,
            span,
            format!(
                "The Telemetry objects {} in namespace {} select the same workload {}: only the oldest is used.",
                names.join(", "),
                telemetry.meta.namespace,
                workload.meta.full_name()
            ),
        );
        diagnostic.label("selects a workload that another one selects").help("merge them into one object");
        for other in telemetries.iter().filter(|other| !std::ptr::eq(**other, *telemetry)) {
            diagnostic.related(other.meta.file, other.meta.name_span(), "selects it too");
        }
        diagnostic.related(workload.meta.file, workload.meta.name_span(), "the workload");
    }
}

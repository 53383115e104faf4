//! IST0107, IST0108, IST0125, IST0135: Istio annotations that are misplaced, unknown, wrong or deprecated.

use super::{table, walk};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::near::nearest;
use crate::schema::Text;

declare_code! {
    /// An annotation on a kind that does not read it
    ///
    /// ## Why
    ///
    /// Most of Istio's annotations are read from pods. On the Deployment itself, or on a Namespace, they do nothing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     proxy.istio.io/config: '{"concurrency": 2}'
    /// spec:
    ///   template:
    ///     metadata:
    ///       labels: {app: web}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// spec:
    ///   template:
    ///     metadata:
    ///       annotations:
    ///         proxy.istio.io/config: '{"concurrency": 2}'
    /// ```
    ///
    /// ## Fix
    ///
    /// Move the annotation; for pods that is `spec.template.metadata.annotations` of the Deployment.
    pub MISPLACED = "IST0107", "MisplacedAnnotation", Warning
}

declare_code! {
    /// An annotation that Istio does not know
    ///
    /// ## Why
    ///
    /// Its name ends in `istio.io`, but Istio reads no annotation of this name, so it has no effect. Perhaps it is
    /// misspelt, or it is a label.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     networking.istio.io/exportsTo: "."
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     networking.istio.io/exportTo: "."
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name or remove the annotation.
    pub UNKNOWN = "IST0108", "UnknownAnnotation", Warning
}

declare_code! {
    /// An annotation with a value that cannot be read
    ///
    /// ## Why
    ///
    /// The injector refuses pods with such a value, so the pods are not created.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     traffic.sidecar.istio.io/excludeOutboundPorts: "mysql"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the value in the form that the message names.
    pub INVALID = "IST0125", "InvalidAnnotation", Warning
}

declare_code! {
    /// A deprecated annotation
    ///
    /// ## Why
    ///
    /// Istio still reads it, but a later release may not.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     sidecar.istio.io/inject: "true"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// metadata:
    ///   labels:
    ///     sidecar.istio.io/inject: "true"
    /// ```
    ///
    /// ## Fix
    ///
    /// Use what the message names, if there is a successor, or remove the annotation.
    pub DEPRECATED = "IST0135", "DeprecatedAnnotation", Info
}

/// Checks Istio's annotations on namespaces, services, pods and workloads.
pub static ANALYZER: Analyzer = Analyzer {
    name: "annotations.K8sAnalyzer",
    summary: "Istio annotations are known, in the right place and readable",
    codes: &[&MISPLACED, &UNKNOWN, &INVALID, &DEPRECATED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for place in walk::all(cx) {
        for (key, value) in place.annotations.iter().filter(|(key, _)| walk::is_istios(key.as_str())) {
            if !walk::is_written_by_istio(key.as_str(), place.pod) {
                check(&place, key, value, sink);
            }
        }
    }
}

fn check(place: &walk::Annotated<'_>, key: &Text, value: &Text, sink: &mut Sink) {
    let name = key.as_str();
    let Some(known) = table::find(name) else {
        unknown(place, key, sink);
        return;
    };
    if let Some(instead) = known.deprecated
        && place.labels.get(name).is_none()
    {
        let extra = if instead.is_empty() { String::new() } else { format!("; use {instead}") };
        sink.report(&DEPRECATED, place.meta, key.span(), format!("The annotation \"{name}\" is deprecated{extra}."))
            .label("deprecated");
    }
    if known.kinds.is_empty() {
        return;
    }
    if !known.kinds.contains(&place.kind) {
        let kinds = known.kinds.join(", ");
        let message = format!("Misplaced annotation: {name} can only be applied to {kinds}.");
        let finding = sink.report(&MISPLACED, place.meta, key.span(), message);
        finding.label(format!("not read from a {}", place.kind));
        if known.kinds == ["Pod"] && !matches!(place.kind, "Namespace" | "Service") {
            finding.help("Move it to `spec.template.metadata.annotations`.");
        } else {
            finding.help(format!("Move it to the {kinds} that is meant, or remove it."));
        }
        return;
    }
    if let Some(problem) = known.rule.broken_by(value.as_str()) {
        sink.report(&INVALID, place.meta, value.span(), format!("Invalid annotation {name}: {problem}."))
            .label("cannot be read")
            .help("Pods with this value are refused by the injector; correct it.");
    }
}

fn unknown(place: &walk::Annotated<'_>, key: &Text, sink: &mut Sink) {
    let name = key.as_str();
    let finding = sink.report(&UNKNOWN, place.meta, key.span(), format!("Unknown annotation: {name}."));
    match nearest(name, table::names()) {
        Some(near) => finding.label(format!("perhaps `{near}`")).help(format!("If `{near}` is meant, write that.")),
        None => finding.label("not read by Istio").help("Remove it; check whether a label of this name is meant."),
    };
}

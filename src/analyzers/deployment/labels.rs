//! K8S0201: Deployments in the mesh without the labels that name application and version.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{control_plane, in_mesh};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::source::Place;

declare_code! {
    /// A workload of the mesh without application or version label
    ///
    /// ## Why
    ///
    /// Istio's telemetry names workloads by the labels `app` and `version` of their pods (or `app.kubernetes.io/name` and
    /// `app.kubernetes.io/version`, or `service.istio.io/canonical-name` and `canonical-revision`). Without them metrics,
    /// traces and graphs fall back to the Deployment's name and the version `latest`, and subsets by version select
    /// nothing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   template:
    ///     metadata:
    ///       labels:
    ///         name: web
    ///         sidecar.istio.io/inject: "true"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   template:
    ///     metadata:
    ///       labels:
    ///         app: web
    ///         version: v1
    ///         sidecar.istio.io/inject: "true"
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the labels to the pod template. The selector of the Deployment need not change.
    pub MISSING_LABELS = "K8S0201", "MissingWorkloadLabels", Info
}

/// Checks the labels of Deployments that surely are in the mesh.
pub static ANALYZER: Analyzer = Analyzer {
    name: "deployment.Labels",
    summary: "Deployments in the mesh carry application and version labels",
    codes: &[&MISSING_LABELS],
    run,
    default: true,
};

const APP: &[&str] = &["app", "app.kubernetes.io/name", "service.istio.io/canonical-name"];
const VERSION: &[&str] = &["version", "app.kubernetes.io/version", "service.istio.io/canonical-revision"];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for workload in cx.workloads.iter().filter(|workload| workload.meta.kind == "Deployment") {
        let own = control_plane::has_istio_label(workload.labels) || control_plane::is_control_plane(workload.meta);
        let has = |names: &[&str]| names.iter().any(|name| workload.labels.get(name).is_some());
        let missing: Vec<&str> = [("app", APP), ("version", VERSION)]
            .into_iter()
            .filter(|(_, names)| !has(names))
            .map(|(label, _)| label)
            .collect();
        if own || missing.is_empty() || in_mesh::has_sidecar(cx, workload) != Some(true) {
            continue;
        }
        let list = missing.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" and ");
        let message = format!("The pods of Deployment {} lack the label {list}.", workload.meta.full_name());
        let span = workload.labels.place.map_or(workload.meta.name_span(), Place::span);
        let span = if span.len() > 200 { workload.meta.name_span() } else { span };
        sink.report(&MISSING_LABELS, workload.meta, span, message)
            .label("telemetry names workloads by these labels")
            .help(format!("Add {list} to `spec.template.metadata.labels`."));
    }
}

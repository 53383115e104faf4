//! A ConfigMap `istio` that would replace the one of the installation (IST9113), and comments that promise more than
//! default providers do (IST9114).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::MeshConfig;
use crate::dialects::object::{Meta, Object};
use crate::manifests::source::{Span, to_u32};

declare_code! {
    /// A partial ConfigMap in place of the mesh configuration
    ///
    /// ## Why
    ///
    /// ConfigMap `istio` holds the whole mesh configuration, written by the installation. Applying one with a few settings
    /// replaces the rest: the address of the control plane, the trust domain, the other providers. The next upgrade writes
    /// its own again, and these settings are gone.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: istio
    ///   namespace: istio-system
    /// data:
    ///   mesh: |
    ///     accessLogFile: /dev/stdout # and nothing else
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     accessLogFile: /dev/stdout
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the settings to the installation: `meshConfig` of an IstioOperator file, or of the values of the chart istiod.
    pub MESH_CONFIG_OVERWRITTEN = "IST9113", "MeshConfigOverwritten", Error
}

declare_code! {
    /// A mesh-wide setting that is taken for a workload's
    ///
    /// ## Why
    ///
    /// `defaultProviders` says where traces go if something asks for them, for the whole mesh. It turns nothing on for a
    /// workload: a Telemetry object does, and there is none with `tracing` in the input.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # Tracing for the workload web
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     defaultProviders:
    ///       tracing:
    ///       - stackdriver
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// # Tracing for the workload web
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   tracing:
    ///   - providers:
    ///     - name: stackdriver
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a Telemetry object with a selector, or one in the root namespace for the whole mesh.
    pub MESH_WIDE_NOT_WORKLOAD = "IST9114", "MeshWideNotForWorkload", Warning
}

/// Reports partial mesh configurations, and comments about workloads above mesh-wide settings.
pub static ANALYZER: Analyzer = Analyzer {
    name: "mesh.Overwritten",
    summary: "ConfigMap istio is complete or left to the installation",
    codes: &[&MESH_CONFIG_OVERWRITTEN, &MESH_WIDE_NOT_WORKLOAD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.model().mesh.configs {
        if object.meta.kind == "ConfigMap" && is_partial(object) {
            overwritten(cx, object, sink);
        }
    }
    let traced = cx.telemetries.iter().any(|telemetry| !telemetry.spec.tracing.is_empty());
    for (meta, config) in &cx.mesh.configs {
        let asks = config.default_providers.as_ref().is_some_and(|defaults| !defaults.tracing.is_empty());
        if asks
            && !traced
            && let Some(comment) = comment_about_workload(cx, meta)
        {
            promised(meta, config, comment, sink);
        }
    }
}

/// The installation writes the control plane's address into every mesh configuration, and labels on the object.
fn is_partial(object: &Object<MeshConfig>) -> bool {
    let proxy = object.spec.default_config.as_ref();
    let complete = proxy.is_some_and(|proxy| proxy.discovery_address.is_some()) || object.spec.trust_domain.is_some();
    let owned =
        ["release", "istio.io/rev", "app.kubernetes.io/managed-by", "install.operator.istio.io/owning-resource"]
            .iter()
            .any(|label| object.meta.labels.get(label).is_some());
    !complete && !owned
}

fn overwritten(cx: &Context<'_>, object: &Object<MeshConfig>, sink: &mut Sink) {
    let source = cx.sources.get(object.meta.file);
    let first_line = source.line_span(source.line_col(object.meta.place.start).line);
    sink.report(
        &MESH_CONFIG_OVERWRITTEN,
        &object.meta,
        Span::new(object.meta.place.start, first_line.end),
        format!(
            "ConfigMap {} replaces the whole mesh configuration: settings of the installation that are not in here are lost.",
            object.meta.full_name()
        ),
    )
    .label("replaces what the installation wrote")
    .help("set these under `meshConfig` of the installation (IstioOperator file, or values of the chart istiod)")
    .related(object.meta.file, object.meta.name_span(), "the name of the installation's own ConfigMap");
}

/// The comment right above a document that speaks about a workload.
fn comment_about_workload(cx: &Context<'_>, meta: &Meta) -> Option<Span> {
    let source = cx.sources.get(meta.file);
    let above = source.line_col(meta.place.start).line.checked_sub(1).filter(|line| *line > 0)?;
    let line = source.line_span(above);
    let text = source.slice(line);
    let indentation = text.len() - text.trim_start().len();
    let speaks = text.trim_start().starts_with('#') && text.to_ascii_lowercase().contains("workload");
    speaks.then(|| Span::new(line.start + to_u32(indentation), line.end))
}

fn promised(meta: &Meta, config: &MeshConfig, comment: Span, sink: &mut Sink) {
    let diagnostic = sink.report(
        &MESH_WIDE_NOT_WORKLOAD,
        meta,
        comment,
        "The settings below are for the whole mesh, and nothing enables tracing for a workload: that takes a Telemetry object.",
    );
    diagnostic.label("not what the object does").help("add a Telemetry object with a selector and `tracing`");
    if let Some(defaults) = &config.default_providers {
        diagnostic.related(meta.file, defaults.place.key_span("defaultProviders"), "mesh-wide, and turns nothing on");
    }
}

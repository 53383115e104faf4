//! Access logging that names no provider, in a mesh without a default one (IST0157).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::mesh_settings::ProviderUse;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::source::Span;

declare_code! {
    /// Access logging without a provider
    ///
    /// ## Why
    ///
    /// An access log needs a provider to write to. The item names none, and the mesh has no default provider for access
    /// logs (`defaultProviders.accessLogging`), so the item is ignored.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: logs
    /// spec:
    ///   accessLogging:
    ///   - filter:
    ///       expression: response.code >= 400
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: logs
    /// spec:
    ///   accessLogging:
    ///   - providers:
    ///     - name: envoy
    ///     filter:
    ///       expression: response.code >= 400
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a provider in the item. `envoy`, which writes to standard output, exists in every mesh.
    pub INVALID_TELEMETRY_PROVIDER = "IST0157", "InvalidTelemetryProvider", Warning
}

/// Reports access logging that goes nowhere.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.ProviderAnalyzer",
    summary: "Access logging of Telemetry objects has a provider",
    codes: &[&INVALID_TELEMETRY_PROVIDER],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    if cx.mesh.default_providers(ProviderUse::AccessLogging).next().is_some() {
        return;
    }
    for telemetry in &cx.telemetries {
        for item in &telemetry.spec.access_logging {
            if !item.providers.is_empty() || item.disabled.is_some_and(|disabled| disabled.value) {
                continue;
            }
            let meta = &telemetry.meta;
            sink.report(
                &INVALID_TELEMETRY_PROVIDER,
                meta,
                Span::new(item.place.start, item.place.end),
                format!(
                    "The Telemetry {} in namespace {} names no provider for an access log, and the mesh has no default \
                     one: the item is ignored.",
                    meta.name(),
                    meta.namespace
                ),
            )
            .label("no `providers` here")
            .help("name a provider in this item; `envoy` exists in every mesh and writes to standard output");
        }
    }
}

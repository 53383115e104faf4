//! Providers that nothing defines (IST9110).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::provider_uses;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A provider that the mesh does not have
    ///
    /// ## Why
    ///
    /// Telemetry objects and CUSTOM policies name a provider of the mesh configuration (`extensionProviders`). Nothing in the
    /// input defines this one. Traces, metrics or logs for it go nowhere, and a CUSTOM policy refuses every request.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   tracing:
    ///   - providers:
    ///     - name: otel # the mesh configuration calls it otel-tracing
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   tracing:
    ///   - providers:
    ///     - name: otel-tracing
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name, or define the provider in the mesh configuration. `prometheus`, `envoy` (access log on standard
    /// output) and `stackdriver` exist in every mesh.
    pub UNKNOWN_PROVIDER = "IST9110", "UnknownProvider", Error
}

/// Reports uses of providers that are not defined.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.UnknownProvider",
    summary: "Providers that Telemetry objects, policies and defaults name are defined",
    codes: &[&UNKNOWN_PROVIDER],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for used in provider_uses::all(cx) {
        let name = used.name.as_str();
        if provider_uses::built_in(name).is_some() || cx.mesh.provider(name).next().is_some() {
            continue;
        }
        if !cx.mesh.is_known() {
            sink.undecided("providers", "mesh configuration");
            continue;
        }
        let known: Vec<&str> = cx.mesh.providers().map(|(_, provider)| provider.name()).collect();
        let near = crate::near::nearest(name, known.iter().copied().chain(["prometheus", "envoy", "stackdriver"]));
        let diagnostic = sink.report(
            &UNKNOWN_PROVIDER,
            used.meta,
            used.name.span(),
            format!("No mesh configuration of the input defines the provider {name}, used for {}.", used.what.word()),
        );
        diagnostic.label("not among the extensionProviders");
        match near {
            Some(near) => diagnostic.help(format!("perhaps you mean {near}")),
            None => diagnostic.help(format!(
                "define {name} under `extensionProviders` of the mesh configuration, as one of {}",
                used.what.kinds().join(", ")
            )),
        };
        if let Some((meta, config)) = cx.mesh.configs.first() {
            let place = config.extension_providers.place.unwrap_or(config.place);
            let span = place.key_span(if place.key < place.start { "extensionProviders" } else { "" });
            diagnostic.related(meta.file, span, "the providers of the mesh");
        }
    }
}

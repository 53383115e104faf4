//! Tracing that still goes to a Lightstep provider (IST0002).

use crate::analyzers::codes::DEPRECATED;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::mesh_settings::ProviderUse;
use crate::diagnostics::Sink;
use crate::dialects::object::Meta;
use crate::schema::Text;

/// Reports uses of Lightstep providers.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.LightstepAnalyzer",
    summary: "No Telemetry object and no default of the mesh uses a Lightstep provider",
    codes: &[&DEPRECATED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for telemetry in &cx.telemetries {
        let providers = telemetry.spec.tracing.iter().flat_map(|tracing| &tracing.providers);
        for name in providers.filter_map(|provider| provider.name.as_ref()) {
            check(cx, &telemetry.meta, name, sink);
        }
    }
    let defaults: Vec<_> = cx.mesh.default_providers(ProviderUse::Tracing).collect();
    for (meta, name) in defaults {
        check(cx, meta, name, sink);
    }
}

fn check(cx: &Context<'_>, meta: &Meta, name: &Text, sink: &mut Sink) {
    let Some((at, provider)) = cx.mesh.provider(name.as_str()).find(|(_, provider)| provider.lightstep.is_some())
    else {
        return;
    };
    let diagnostic = sink.report(
        &DEPRECATED,
        meta,
        name.span(),
        format!("Deprecated: the provider {} is of the kind lightstep.", name.as_str()),
    );
    diagnostic.label("a Lightstep provider").help("define an opentelemetry provider for the same backend and use that");
    diagnostic.related(at.file, provider.name.as_ref().map_or(provider.place.span(), Text::span), "defined here");
}

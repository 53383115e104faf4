//! Providers whose kind cannot do what they are used for (IST9111).

use std::collections::BTreeSet;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::provider_uses::{self, Use};
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A provider of the wrong kind for its use
    ///
    /// ## Why
    ///
    /// Each kind of provider does one thing: `opentelemetry` and `zipkin` take traces, `envoyOtelAls` and
    /// `envoyFileAccessLog` take access logs, `envoyExtAuthzHttp` decides on requests. istiod ignores a provider that is used
    /// for something that its kind cannot do, and only its own log tells.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     extensionProviders:
    ///     - name: traces
    ///       envoyOtelAls: # takes access logs
    ///         service: otel-collector.monitoring.svc.cluster.local
    ///         port: 4317
    ///     defaultProviders:
    ///       tracing:
    ///       - traces
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
    ///     extensionProviders:
    ///     - name: traces
    ///       opentelemetry:
    ///         service: otel-collector.monitoring.svc.cluster.local
    ///         port: 4317
    ///     defaultProviders:
    ///       tracing:
    ///       - traces
    /// ```
    ///
    /// ## Fix
    ///
    /// Define the provider with a kind that does what it is used for.
    pub PROVIDER_OF_WRONG_KIND = "IST9111", "ProviderOfWrongKind", Error
}

/// Reports definitions that no use can work with, and uses that do not fit a definition.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.ProviderKind",
    summary: "Providers are of a kind that can do what they are used for",
    codes: &[&PROVIDER_OF_WRONG_KIND],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let uses = provider_uses::all(cx);
    let mut done = BTreeSet::new();
    for used in &uses {
        let name = used.name.as_str();
        let mut defined = cx.mesh.provider(name).filter_map(|(_, provider)| provider.kind()).map(|kind| kind.word);
        let fits = |kind: &str| used.what.kinds().contains(&kind);
        let known: Vec<&str> = defined.by_ref().collect();
        let known = if known.is_empty() { provider_uses::built_in(name).into_iter().collect() } else { known };
        if known.is_empty() || known.iter().any(|kind| fits(kind)) {
            continue;
        }
        let all_misfit = uses
            .iter()
            .filter(|other| other.name.as_str() == name)
            .all(|other| !known.iter().any(|kind| other.what.kinds().contains(kind)));
        if all_misfit && cx.mesh.provider(name).next().is_some() {
            if done.insert(name) {
                at_definitions(cx, *used, sink);
            }
        } else {
            at_use(*used, known[0], sink);
        }
    }
}

fn at_definitions(cx: &Context<'_>, used: Use<'_>, sink: &mut Sink) {
    for (meta, provider) in cx.mesh.provider(used.name.as_str()) {
        let Some(kind) = provider.kind() else { continue };
        let diagnostic = sink.report(&PROVIDER_OF_WRONG_KIND, meta, kind.span(), message(used, kind.word));
        diagnostic
            .label(format!("not a kind for {}", used.what.word()))
            .help(format!("use one of {} instead", used.what.kinds().join(", ")))
            .related(used.meta.file, used.name.span(), format!("used for {} here", used.what.word()));
    }
}

fn at_use(used: Use<'_>, kind: &str, sink: &mut Sink) {
    sink.report(&PROVIDER_OF_WRONG_KIND, used.meta, used.name.span(), message(used, kind))
        .label(format!("is of the kind {kind}"))
        .help(format!("name a provider of one of the kinds {}", used.what.kinds().join(", ")));
}

fn message(used: Use<'_>, kind: &str) -> String {
    let name = used.name.as_str();
    format!("The provider {name} is of the kind {kind}, which cannot be used for {}.", used.what.word())
}

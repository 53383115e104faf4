//! Several Telemetry objects for the whole of one namespace (IST0160).

use std::collections::BTreeMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::policy_scope;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Telemetry;
use crate::dialects::object::{Meta, Object};
use crate::manifests::source::Span;

declare_code! {
    /// Several Telemetry objects for one whole namespace
    ///
    /// ## Why
    ///
    /// Without a selector a Telemetry object holds for its namespace, and a namespace takes one. With several the oldest
    /// wins and the others are ignored without a word.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: traces
    ///   namespace: shop
    /// spec:
    ///   tracing:
    ///   - randomSamplingPercentage: 5
    /// ---
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: logs
    ///   namespace: shop
    /// spec:
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
    ///   name: shop
    ///   namespace: shop
    /// spec:
    ///   tracing:
    ///   - randomSamplingPercentage: 5
    ///   accessLogging:
    ///   - providers:
    ///     - name: envoy
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge the objects into one, or give all but one a selector.
    pub MULTIPLE_DEFAULTS = "IST0160", "MultipleTelemetriesWithoutWorkloadSelectors", Error
}

/// Reports namespaces with several Telemetry objects without a selector.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.DefaultSelectorAnalyzer",
    summary: "At most one Telemetry object of a namespace has no selector",
    codes: &[&MULTIPLE_DEFAULTS],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut by_namespace: BTreeMap<(Option<&str>, &str), Vec<&Object<Telemetry>>> = BTreeMap::new();
    for telemetry in &cx.telemetries {
        let spec = &telemetry.spec;
        if policy_scope::labels(spec.selector.as_ref()).is_empty()
            && !policy_scope::has_targets(spec.target_ref.as_ref(), &spec.target_refs)
        {
            let cluster = telemetry.meta.cluster.as_deref();
            by_namespace.entry((cluster, &*telemetry.meta.namespace)).or_default().push(telemetry);
        }
    }
    for ((_, namespace), telemetries) in by_namespace.into_iter().filter(|(_, found)| found.len() > 1) {
        let mut names: Vec<&str> = telemetries.iter().map(|telemetry| telemetry.meta.name()).collect();
        names.sort_unstable();
        for telemetry in &telemetries {
            let diagnostic = sink.report(
                &MULTIPLE_DEFAULTS,
                &telemetry.meta,
                span(&telemetry.meta),
                format!(
                    "The Telemetry objects {} in namespace {namespace} have no selector: only the oldest is used.",
                    names.join(", ")
                ),
            );
            let label = match telemetry.meta.namespace_place {
                Some(_) => "holds for the whole namespace".to_owned(),
                None => format!("names no namespace, so it holds for {namespace}"),
            };
            diagnostic.label(label).help("merge them into one object, or give all but one a selector");
            for other in telemetries.iter().filter(|other| !std::ptr::eq(**other, *telemetry)) {
                diagnostic.related(other.meta.file, other.meta.name_span(), "holds for the whole namespace too");
            }
        }
    }
}

/// The name, or `metadata` when the object is in this namespace only because it names none.
fn span(meta: &Meta) -> Span {
    let metadata = meta.metadata_place.filter(|_| meta.namespace_place.is_none());
    metadata.map_or_else(|| meta.name_span(), |place| place.key_span("metadata"))
}

//! Items of `metrics` and `accessLogging` that belong together and stand apart (IST9120, IST9121).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Telemetry;
use crate::dialects::object::Object;

declare_code! {
    /// Providers and overrides in two items
    ///
    /// ## Why
    ///
    /// Each item of `metrics` stands alone. Overrides without `providers` in the same item go to the mesh's default
    /// providers, not to the provider of the item before.
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
    ///   metrics:
    ///   - providers:
    ///     - name: prometheus
    ///   - overrides: # not for prometheus
    ///     - match:
    ///         metric: REQUEST_COUNT
    ///       disabled: true
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
    ///   metrics:
    ///   - providers:
    ///     - name: prometheus
    ///     overrides:
    ///     - match:
    ///         metric: REQUEST_COUNT
    ///       disabled: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge the two items into one: remove the `-` before `overrides`.
    pub METRICS_SPLIT = "IST9120", "MetricsItemsSplit", Warning
}

declare_code! {
    /// Access log settings in several items
    ///
    /// ## Why
    ///
    /// Each item of `accessLogging` stands alone. A filter in an item of its own does not limit the provider of the item
    /// before: that provider logs everything, and the filter has no log to limit.
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
    ///   - providers:
    ///     - name: envoy
    ///   - filter: # not for envoy
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
    /// Merge the items into one: remove the `-` before `filter`.
    pub ACCESS_LOGGING_SPLIT = "IST9121", "AccessLoggingItemsSplit", Warning
}

/// Reports items that only make sense together.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.SplitItems",
    summary: "Providers stand in one item with what is set for them",
    codes: &[&METRICS_SPLIT, &ACCESS_LOGGING_SPLIT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for telemetry in &cx.telemetries {
        metrics(telemetry, sink);
        access_logging(telemetry, sink);
    }
}

fn metrics(telemetry: &Object<Telemetry>, sink: &mut Sink) {
    let items = &telemetry.spec.metrics;
    let bare = items.iter().find(|item| !item.providers.is_empty() && !item.overrides.is_set());
    let lost = items.iter().find(|item| !item.providers.is_set() && !item.overrides.is_empty());
    let (Some(bare), Some(lost), Some(place)) = (bare, lost, items.place) else { return };
    let provider = bare.providers.iter().find_map(|p| p.name.as_ref()).map_or("the provider", |name| name.as_str());
    let overrides = lost.overrides.place.map_or(lost.place.span(), |place| place.key_span("overrides"));
    let providers = bare.providers.place.map_or(bare.place.span(), |place| place.key_span("providers"));
    sink.report(
        &METRICS_SPLIT,
        &telemetry.meta,
        place.key_span("metrics"),
        format!("`providers` and `overrides` stand in two items: the overrides are not for {provider}."),
    )
    .label("each item stands alone")
    .help("merge the two items: remove the `-` before `overrides`")
    .related(telemetry.meta.file, providers, "an item without overrides")
    .related(telemetry.meta.file, overrides, "goes to the mesh's default providers");
}

fn access_logging(telemetry: &Object<Telemetry>, sink: &mut Sink) {
    let Telemetry { access_logging: items, .. } = &telemetry.spec;
    let bare = items.iter().find(|item| !item.providers.is_empty() && item.filter.is_none());
    let lost = items.iter().find(|item| !item.providers.is_set() && item.r#match.is_none() && item.filter.is_some());
    let (Some(bare), Some(lost), Some(place)) = (bare, lost, items.place) else { return };
    let provider = bare.providers.iter().find_map(|p| p.name.as_ref()).map_or("the provider", |name| name.as_str());
    let filter = lost.filter.as_ref().map_or(lost.place.span(), |filter| filter.place.key_span("filter"));
    let providers = bare.providers.place.map_or(bare.place.span(), |place| place.key_span("providers"));
    sink.report(
        &ACCESS_LOGGING_SPLIT,
        &telemetry.meta,
        place.key_span("accessLogging"),
        format!(
            "`providers` and `filter` stand in two items: {provider} logs every request, and the filter limits nothing."
        ),
    )
    .label("each item stands alone")
    .help("merge the items: remove the `-` before `filter`")
    .related(telemetry.meta.file, providers, "an item without a filter")
    .related(telemetry.meta.file, filter, "a filter without a provider");
}

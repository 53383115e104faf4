//! `disabled: false` where nothing disables (IST9124).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// An override that changes nothing
    ///
    /// ## Why
    ///
    /// Metrics are on unless something turns them off. `disabled: false` only has an effect where a wider Telemetry object
    /// disabled the metric, and none in the input does.
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
    ///   - overrides:
    ///     - match:
    ///         metric: REQUEST_COUNT
    ///       disabled: false
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
    ///   - overrides:
    ///     - match:
    ///         metric: REQUEST_SIZE
    ///       disabled: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the override.
    pub NO_OP_OVERRIDE = "IST9124", "OverrideWithoutEffect", Warning
}

/// Reports overrides that only say what holds anyway.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.NoOpOverride",
    summary: "Overrides of metrics change something",
    codes: &[&NO_OP_OVERRIDE],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let overrides = || cx.telemetries.iter().flat_map(|t| &t.spec.metrics).flat_map(|metrics| &metrics.overrides);
    // Any object that disables anything may be the wider one that this takes back.
    if overrides().any(|item| item.disabled.is_some_and(|disabled| disabled.value)) {
        return;
    }
    for telemetry in &cx.telemetries {
        for item in telemetry.spec.metrics.iter().flat_map(|metrics| &metrics.overrides) {
            let Some(disabled) = item.disabled.filter(|disabled| !disabled.value) else { continue };
            if item.tag_overrides.is_set() {
                continue;
            }
            sink.report(
                &NO_OP_OVERRIDE,
                &telemetry.meta,
                disabled.place.entry(),
                "The metric is on anyway: nothing in the input disables it.",
            )
            .label("changes nothing")
            .help("delete the override")
            .remove(disabled.place);
        }
    }
}

//! Validation of TrafficExtensions (rule 76). The structure already holds most of it.

use super::shared::{Report, selectors};
use super::wasm_plugin;
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;

/// Validates every TrafficExtension.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.TrafficExtension",
    summary: "Values of TrafficExtensions that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.traffic_extensions {
        let spec = &object.spec;
        let mut report = Report::with_metadata(&object.meta, sink);
        let selector = spec.selector.as_ref();
        selectors::policy_target(&mut report, selector, None, &spec.target_refs, "the TrafficExtension");
        if let Some(wasm) = &spec.wasm {
            wasm_plugin::checksum(&mut report, wasm.url.as_ref(), wasm.sha256.as_ref());
        }
    }
}

//! Validation of WasmPlugins (rules 74 and 75). The structure already holds most of them.

use super::shared::{Report, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::schema::Text;

/// Validates every WasmPlugin.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.WasmPlugin",
    summary: "Values of WasmPlugins that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.wasm_plugins {
        let spec = &object.spec;
        let mut report = Report::with_metadata(&object.meta, sink);
        let selector = spec.selector.as_ref();
        selectors::policy_target(&mut report, selector, spec.target_ref.as_ref(), &spec.target_refs, "the WasmPlugin");
        checksum(&mut report, spec.url.as_ref(), spec.sha256.as_ref());
    }
}

/// A checksum beside an address that has another one: the module is never loaded.
pub fn checksum(report: &mut Report<'_>, url: Option<&Text>, sha256: Option<&Text>) {
    let (Some(url), Some(sha256)) = (url, sha256) else { return };
    let Some((_, pinned)) = url.as_str().split_once("@sha256:") else { return };
    if !sha256.is_empty() && pinned != sha256.as_str() {
        report
            .error(sha256.span(), "the checksum is another one than that in the address")
            .label("not the checksum of `url`")
            .help("leave out `sha256`, or write the same checksum in both");
    }
}

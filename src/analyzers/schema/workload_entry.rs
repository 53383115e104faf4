//! Validation of WorkloadEntries: rule 68, as far as it is not part of the structure (port names and numbers are).

use super::shared::Report;
use super::shared::workload_entries::{Addresses, check};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;

/// Validates WorkloadEntries as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.WorkloadEntry",
    summary: "WorkloadEntries that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for entry in &cx.workload_entries {
        check(&mut Report::with_metadata(&entry.meta, sink), &entry.spec, None, Addresses::All);
    }
}

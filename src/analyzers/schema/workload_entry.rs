//! Validation of WorkloadEntries: rule 68, as far as it is not part of the structure (port names and numbers are).

use super::shared::listeners::UNIX;
use super::shared::names::fqdn_or_ip;
use super::shared::{Report, labels};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::WorkloadEntry;
use crate::schema::Text;

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
        validate(&entry.spec, &mut Report::new(&entry.meta, sink));
    }
}

fn validate(entry: &WorkloadEntry, report: &mut Report<'_>) {
    let address = entry.address.as_ref().filter(|address| !address.as_str().is_empty());
    match (address, &entry.network) {
        (Some(address), _) => check_address(report, address),
        (None, Some(network)) => {
            report
                .warning(
                    network.span(),
                    "there is no `address`: the workload is only reached through its network's gateway",
                )
                .help("set `address` unless that is meant");
        }
        // Neither is a rule of the CRD, found while reading.
        (None, None) => {}
    }
    labels::check(report, &entry.labels);
}

/// An IP address or a DNS name; the form of a socket's path is a rule of the CRD.
fn check_address(report: &mut Report<'_>, address: &Text) {
    if !address.as_str().starts_with(UNIX) {
        report.verdict(address.span(), fqdn_or_ip(address.as_str()));
    }
}

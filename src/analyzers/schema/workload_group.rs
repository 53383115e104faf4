//! Validation of WorkloadGroups: rule 69, as far as it is not part of the structure.

use super::shared::headers::probe_name;
use super::shared::{Report, labels};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{ReadinessProbe, WorkloadGroup};

/// Validates WorkloadGroups as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.WorkloadGroup",
    summary: "WorkloadGroups that Istio refuses",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for group in &cx.workload_groups {
        validate(&group.spec, &mut Report::with_metadata(&group.meta, sink));
    }
}

fn validate(group: &WorkloadGroup, report: &mut Report<'_>) {
    if let Some(metadata) = &group.metadata {
        labels::check(report, &metadata.labels);
    }
    if let Some(template) = &group.template {
        labels::check(report, &template.labels);
    }
    if let Some(probe) = &group.probe {
        validate_probe(probe, report);
    }
}

fn validate_probe(probe: &ReadinessProbe, report: &mut Report<'_>) {
    if probe.http_get.is_none() && probe.tcp_socket.is_none() && probe.exec.is_none() && probe.grpc.is_none() {
        let span = probe.place.key_span("probe");
        report.error(span, "the probe has no method").help("set one of `httpGet`, `tcpSocket`, `exec` and `grpc`");
    }
    for header in probe.http_get.iter().flat_map(|http| &http.http_headers) {
        // Characters outside of letters, digits, `-` and `_` are refused by the CRD already.
        report.text(header.name.as_ref().filter(|name| name.as_str().contains('_')), probe_name);
    }
    if let Some(exec) = &probe.exec
        && let Some(place) = exec.command.place
        && exec.command.is_empty()
    {
        report.error(place.span(), "the probe's command is empty");
    }
}

//! MON0008: labels that Istio's metrics do not have.

use std::collections::BTreeSet;

use promql_parser::parser::Expr;

use super::Facts;
use crate::analyzers::context::Context;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::near::nearest;

declare_code! {
    /// A label that Istio's metrics do not have
    ///
    /// ## Why
    ///
    /// A matcher on a label that a metric lacks compares with the empty text: `=` and `=~` find nothing, `!=` and `!~` find
    /// everything. The alert never fires or always does, and Prometheus says nothing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// expr: sum(rate(istio_requests_total{response_status=~"5.."}[5m])) > 1
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// expr: sum(rate(istio_requests_total{response_code=~"5.."}[5m])) > 1
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one of the standard labels. A label of your own has to be added with `tagOverrides` of a Telemetry object.
    pub UNKNOWN_LABEL = "MON0008", "UnknownMetricLabel", Warning
}

/// Istio's standard metrics; histograms also have `_bucket`, `_sum` and `_count`.
const METRICS: &[&str] = &[
    "istio_requests_total",
    "istio_request_duration_milliseconds",
    "istio_request_bytes",
    "istio_response_bytes",
    "istio_request_messages_total",
    "istio_response_messages_total",
    "istio_tcp_sent_bytes_total",
    "istio_tcp_received_bytes_total",
    "istio_tcp_connections_opened_total",
    "istio_tcp_connections_closed_total",
];

/// Their standard labels.
const LABELS: &[&str] = &[
    "reporter",
    "source_workload",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_cluster",
    "source_canonical_service",
    "source_canonical_revision",
    "destination_workload",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_cluster",
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "destination_canonical_service",
    "destination_canonical_revision",
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
];

/// Names that people use for a standard label.
const MISNOMERS: &[(&str, &str)] = &[
    ("response_status", "response_code"),
    ("response_status_code", "response_code"),
    ("status_code", "response_code"),
    ("http_status", "response_code"),
    ("http_status_code", "response_code"),
    ("response_flag", "response_flags"),
    ("source_namespace", "source_workload_namespace"),
    ("destination_namespace", "destination_workload_namespace"),
    ("source_service", "source_canonical_service"),
    ("source_service_name", "source_canonical_service"),
    ("destination_host", "destination_service"),
    ("destination_service_host", "destination_service"),
    ("destination_name", "destination_service_name"),
    ("grpc_status", "grpc_response_status"),
    ("grpc_response_code", "grpc_response_status"),
    ("protocol", "request_protocol"),
    ("security_policy", "connection_security_policy"),
];

/// Labels that Telemetry objects of the input add.
pub(super) fn added(cx: &Context<'_>) -> Vec<String> {
    let metrics = cx.telemetries.iter().flat_map(|telemetry| telemetry.spec.metrics.iter());
    let overrides = metrics.flat_map(|metrics| metrics.overrides.iter());
    overrides.flat_map(|one| one.tag_overrides.iter()).map(|(name, _)| name.as_str().to_owned()).collect()
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, facts: &Facts, sink: &mut Sink) {
    let selectors = promql::selectors(expr);
    let istios = selectors.iter().filter(|selector| selector.name.as_deref().is_some_and(is_standard));
    let mut used = BTreeSet::new();
    for selector in istios {
        used.extend(selector.matchers.matchers.iter().map(|matcher| matcher.name.as_str()));
    }
    if selectors.iter().all(|selector| selector.name.as_deref().is_some_and(is_standard)) {
        // The labels of groupings belong to Istio's metrics for sure when there are no others.
        promql::walk(expr, &mut |part| {
            if let Expr::Aggregate(aggregate) = part
                && let Some(modifier) = &aggregate.modifier
            {
                used.extend(modifier.labels().labels.iter().map(String::as_str));
            }
        });
    }
    for label in used {
        let Some(meant) = meant_by(label) else { continue };
        if facts.added_labels.iter().any(|added| added == label) {
            continue;
        }
        let message = format!("Istio's metrics have no label `{label}`.");
        sink.report(&UNKNOWN_LABEL, rule.meta, rule.span_of_word(cx.model(), label), message)
            .label(format!("perhaps `{meant}`"))
            .help(format!("Write `{meant}`, or add the label with `tagOverrides` of a Telemetry object."));
    }
}

fn is_standard(name: &str) -> bool {
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    METRICS.contains(&base)
}

/// The standard label that an unknown one surely stands for. Other labels may come from the target and are left alone.
fn meant_by(label: &str) -> Option<&'static str> {
    const OF_TARGETS: &[&str] =
        &["job", "instance", "namespace", "pod", "service", "endpoint", "container", "le", "app", "version"];
    if LABELS.contains(&label) || OF_TARGETS.contains(&label) {
        return None;
    }
    let misnomer = MISNOMERS.iter().find(|(written, _)| *written == label).map(|(_, meant)| *meant);
    let near = || nearest(label, LABELS.iter().copied()).filter(|near| strsim::damerau_levenshtein(label, near) <= 2);
    misnomer.or_else(near)
}

#[cfg(test)]
mod tests {
    use super::meant_by;

    #[test]
    fn only_near_misses_are_judged() {
        for (label, meant) in [
            ("response_status", "response_code"),
            ("respons_code", "response_code"),
            ("destination_workloads", "destination_workload"),
        ] {
            assert_eq!(meant_by(label), Some(meant), "{label}");
        }
        for label in
            ["response_code", "namespace", "cluster", "region", "request_host", "le", "istio_io_rev", "source_zone"]
        {
            assert_eq!(meant_by(label), None, "{label}");
        }
    }
}

//! Workload selectors and target references (rules 3 and 4).

use super::Report;
use crate::dialects::istio::types::{PolicyTargetReference, WorkloadSelector};
use crate::manifests::source::Place;
use crate::schema::{List, Map, Text};

/// Warns about a selector without labels: it selects everything in its namespace. `what` names the kind: `the Sidecar`.
pub fn not_empty(report: &mut Report<'_>, labels: &Map<Text>, place: Place, what: &str) {
    if labels.is_empty() {
        report
            .warning(
                place.span(),
                format!("the selector has no labels, so {what} applies to all workloads of its namespace"),
            )
            .help("name the labels of the workloads, or leave the selector out if all are meant");
    }
}

/// Warns about a policy's selector without labels, and reports that several of selector and target references are set.
pub fn policy_target(
    report: &mut Report<'_>,
    selector: Option<&WorkloadSelector>,
    target_ref: Option<&PolicyTargetReference>,
    target_refs: &List<PolicyTargetReference>,
    what: &str,
) {
    if let Some(selector) = selector {
        not_empty(report, &selector.match_labels, selector.place, what);
    }
    for reference in target_ref.into_iter().chain(target_refs) {
        target(report, reference);
    }
}

/// Kinds that a policy can be attached to, with their groups.
const TARGETS: &[(&str, &str)] = &[
    ("", "Service"),
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

fn target(report: &mut Report<'_>, reference: &PolicyTargetReference) {
    let Some(kind) = &reference.kind else { return };
    let group = reference.group.as_ref().map_or("", Text::as_str);
    if TARGETS.contains(&(group, kind.as_str())) {
        return;
    }
    let message = match TARGETS.iter().find(|(_, known)| *known == kind.as_str()) {
        Some((wanted, _)) => format!("a {} as target needs the group {wanted:?}, not {group:?}", kind.as_str()),
        None => format!(
            "a policy cannot be attached to a {}: targets are Service, ServiceEntry, Gateway and GatewayClass",
            kind.as_str()
        ),
    };
    report.error(kind.span(), message);
}

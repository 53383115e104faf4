//! Validation of DestinationRules (rules 26 to 36).

mod load_balancer;
mod locality;
mod traffic;

use std::collections::BTreeMap;

use super::shared::{Report, export_to, labels, names, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::DestinationRule;
use crate::manifests::source::Place;
use crate::schema::{List, Text};

/// Validates every DestinationRule.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.DestinationRule",
    summary: "Values of DestinationRules that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.destination_rules {
        validate(&object.spec, &mut Report::with_metadata(&object.meta, sink));
    }
}

fn validate(spec: &DestinationRule, report: &mut Report<'_>) {
    // A `spec` without a host is a finding of the structure; an object without `spec` is none there.
    if spec.place == Place::default() {
        report.error(report.meta.name_span(), "the DestinationRule has no host").help("add `spec: {host: NAME}`");
    }
    report.text(spec.host.as_ref(), names::wildcard_host);
    traffic::policy(report, spec.traffic_policy.as_deref());
    subsets(report, spec);
    let exporter = match spec.workload_selector {
        Some(_) => export_to::Exporter::Selecting,
        None => export_to::Exporter::Plain,
    };
    export_to::check(report, &spec.export_to, exporter);
    if let Some(selector) = &spec.workload_selector {
        selectors::policy_target(report, Some(selector), None, &List::default(), "the DestinationRule");
    }
}

/// Rule 27: names are DNS labels and unique, labels are labels.
fn subsets(report: &mut Report<'_>, spec: &DestinationRule) {
    let mut seen: BTreeMap<&str, &Text> = BTreeMap::new();
    for subset in &spec.subsets {
        if let Some(name) = &subset.name {
            report.verdict(name.span(), names::dns_label("the subset", name.as_str()));
            match seen.get(name.as_str()).copied() {
                Some(first) => {
                    let file = report.meta.file;
                    report.error(name.span(), format!("the subset {:?} is defined twice", name.as_str())).related(
                        file,
                        first.span(),
                        "defined here first",
                    );
                }
                None => {
                    seen.insert(name.as_str(), name);
                }
            }
        }
        labels::check(report, &subset.labels);
        traffic::policy(report, subset.traffic_policy.as_deref());
    }
}

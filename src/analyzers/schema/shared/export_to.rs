//! `exportTo` (rules 5 and 35).

use std::collections::BTreeMap;

use super::Report;
use super::names::is_dns_label;
use crate::schema::{List, Text};

/// Which kind's rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exporter {
    /// VirtualService, or a DestinationRule for all callers.
    Plain,
    /// ServiceEntry, which may be visible to nobody (`~`).
    ServiceEntry,
    /// DestinationRule with a `workloadSelector`, which only concerns its own namespace.
    Selecting,
}

/// Checks an `exportTo` list of the report's object.
pub fn check(report: &mut Report<'_>, export_to: &List<Text>, exporter: Exporter) {
    let own = report.meta.namespace.clone();
    let mut seen: BTreeMap<&str, &Text> = BTreeMap::new();
    for entry in export_to {
        let name = if entry.as_str() == "." { &*own } else { entry.as_str() };
        if let Some(first) = seen.get(name) {
            let file = report.meta.file;
            let first = first.span();
            report
                .error(entry.span(), format!("exportTo names the namespace {name:?} twice (`.` is the own namespace)"))
                .related(file, first, "named here first");
            continue;
        }
        seen.insert(name, entry);
        match entry.as_str() {
            "." | "*" => {}
            "~" if exporter == Exporter::ServiceEntry => {}
            "~" => {
                report.error(entry.span(), "exportTo `~` (nobody) is only for ServiceEntries");
            }
            name if !is_dns_label(name) => {
                report.error(entry.span(), format!("{name:?} in exportTo is neither `.`, `*` nor a namespace"));
            }
            _ => {}
        }
    }
    alone(report, export_to, "*", "all namespaces already include the others");
    if exporter == Exporter::ServiceEntry {
        alone(report, export_to, "~", "a service that nobody sees cannot be seen by others");
    }
    if exporter == Exporter::Selecting {
        for entry in export_to {
            if entry.as_str() != "." && entry.as_str() != &*own {
                report
                    .error(
                        entry.span(),
                        "a DestinationRule with a workloadSelector can only be exported to its own namespace",
                    )
                    .help("write `exportTo: [\".\"]`, or leave it out");
            }
        }
    }
}

fn alone(report: &mut Report<'_>, export_to: &List<Text>, word: &str, why: &str) {
    if export_to.len() > 1
        && let Some(entry) = export_to.iter().find(|entry| entry.as_str() == word)
    {
        report.error(entry.span(), format!("`{word}` in exportTo must stand alone: {why}"));
    }
}

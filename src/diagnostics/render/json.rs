//! JSON and YAML: one array, istioctl's keys first and with its meaning, ours beside them.

use std::io::{self, Write};

use serde::Serialize;

use super::report::Report;
use crate::diagnostics::fix::reach;
use crate::diagnostics::{Diagnostic, Location};
use crate::output::{json, yaml};

/// One finding. `origin` and `reference` are absent when there is no object or no place, as in istioctl.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    code: &'a str,
    documentation_url: String,
    level: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    name: &'a str,
    analyzer: &'a str,
    #[serde(flatten)]
    place: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Edit<'a>>,
}

/// Lines and columns start at 1; the end is one past the last character.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Debug, Serialize)]
struct Related<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

/// Bytes `start` to `end` of the file are replaced by `text`.
#[derive(Debug, Serialize)]
struct Edit<'a> {
    file: &'a str,
    start: u32,
    end: u32,
    text: &'a str,
}

/// Writes the array as JSON.
pub(super) fn render_json(report: &Report<'_>, mut out: &mut dyn Write) -> io::Result<()> {
    json::write(&mut out, &findings(report))
}

/// Writes the array as YAML.
pub(super) fn render_yaml(report: &Report<'_>, mut out: &mut dyn Write) -> io::Result<()> {
    yaml::write(&mut out, &findings(report))
}

fn findings<'a>(report: &Report<'a>) -> Vec<Finding<'a>> {
    report.findings.iter().map(|finding| view(report, finding)).collect()
}

fn view<'a>(report: &Report<'a>, finding: &'a Diagnostic) -> Finding<'a> {
    let place = finding.at.map(|at| place(report, at));
    let related = finding.related.iter().map(|r| Related { message: &r.text, place: self::place(report, r.at) });
    let edits = finding.edits.iter().map(|edit| {
        let source = report.source(edit.at);
        let span = reach(source, edit);
        Edit { file: &source.name, start: span.start, end: span.end, text: &edit.text }
    });
    Finding {
        cluster: finding.resource.as_ref().and_then(|r| r.cluster.as_deref()),
        code: finding.code.code,
        documentation_url: finding.code.url(),
        level: finding.level.name(),
        message: &finding.message,
        origin: finding.resource.as_ref().map(ToString::to_string),
        reference: place.as_ref().map(|place| format!("{}:{}", place.file, place.line)),
        name: finding.code.name,
        analyzer: finding.analyzer,
        place,
        label: finding.label.as_deref(),
        help: finding.help.as_deref(),
        related: related.collect(),
        edits: edits.collect(),
    }
}

fn place<'a>(report: &Report<'a>, at: Location) -> Place<'a> {
    let point = report.point(at);
    Place {
        file: point.file,
        line: point.start.line,
        column: point.start.col,
        end_line: point.end.line,
        end_column: point.end.col,
    }
}

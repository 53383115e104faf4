//! SARIF 2.1.0 (OASIS), the format of code scanning: the parts of the object model that meshctl fills.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::report::{Report, Suppressed, SuppressedBy};
use crate::diagnostics::fingerprint::Fingerprints;
use crate::diagnostics::fix::reach;
use crate::diagnostics::{Code, Diagnostic, Edit, Level, Location};
use crate::output::json;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Debug, Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<ResultObject<'a>>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text,
    full_description: Text,
    help_uri: String,
    help: Help,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<LocationObject>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<LocationObject>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression<'a>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix<'a> {
    description: Text,
    artifact_changes: Vec<ArtifactChange<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Content<'a>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Suppression<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
}

/// Writes the log: one run with the rules that occur. Suppressed findings are listed too, marked as such.
pub(super) fn render(report: &Report<'_>, mut out: &mut dyn Write) -> io::Result<()> {
    let suppressed = &report.hidden.suppressed;
    let mut codes: Vec<&'static Code> =
        report.findings.iter().chain(suppressed.iter().map(|s| &s.finding)).map(|f| f.code).collect();
    codes.sort_by_key(|code| code.code);
    codes.dedup();
    let mut fingerprints = Fingerprints::default();
    let mut results: Vec<ResultObject<'_>> =
        report.findings.iter().map(|finding| result(report, &codes, finding, &mut fingerprints)).collect();
    results.extend(suppressed.iter().map(|s| ResultObject {
        suppressions: vec![suppression(s)],
        ..result(report, &codes, &s.finding, &mut fingerprints)
    }));
    let driver = Driver {
        name: "meshctl",
        semantic_version: env!("CARGO_PKG_VERSION"),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: codes.iter().map(|code| rule(code)).collect(),
    };
    let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results };
    json::write(&mut out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

fn rule(code: &'static Code) -> Rule {
    Rule {
        id: code.code,
        name: code.name,
        short_description: Text { text: code.title().to_owned() },
        full_description: Text { text: code.section("Why") },
        help_uri: code.url(),
        help: Help { text: code.section("Fix"), markdown: code.body() },
        default_configuration: Configuration { level: level(code.level) },
    }
}

fn result<'a>(
    report: &Report<'_>,
    codes: &[&'static Code],
    finding: &'a Diagnostic,
    fingerprints: &mut Fingerprints,
) -> ResultObject<'a> {
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let related = finding.related.iter().enumerate().map(|(index, related)| LocationObject {
        id: Some(index),
        physical_location: Some(physical(report, related.at)),
        message: Some(Text { text: related.text.clone() }),
        ..LocationObject::default()
    });
    let fingerprint = fingerprints.next(report.model, finding);
    ResultObject {
        rule_id: finding.code.code,
        rule_index: codes.iter().position(|code| *code == finding.code).unwrap_or_default(),
        level: level(finding.level),
        message: Text { text: format!("{}{help}", finding.message) },
        locations: location(report, finding).into_iter().collect(),
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([("meshctl/v1", fingerprint.as_str().to_owned())]),
        fixes: fix(report, finding).into_iter().collect(),
        suppressions: Vec::new(),
    }
}

fn location(report: &Report<'_>, finding: &Diagnostic) -> Option<LocationObject> {
    let logical = finding.resource.iter().map(|resource| LogicalLocation {
        name: resource.name.clone(),
        fully_qualified_name: resource.to_string(),
        kind: "resource",
    });
    let location = LocationObject {
        physical_location: finding.at.map(|at| physical(report, at)),
        logical_locations: logical.collect(),
        ..LocationObject::default()
    };
    (location.physical_location.is_some() || !location.logical_locations.is_empty()).then_some(location)
}

fn physical(report: &Report<'_>, at: Location) -> PhysicalLocation {
    PhysicalLocation { artifact_location: artifact(&report.source(at).name), region: region(report, at) }
}

fn region(report: &Report<'_>, at: Location) -> Region {
    let point = report.point(at);
    Region {
        start_line: point.start.line,
        start_column: point.start.col,
        end_line: point.end.line,
        end_column: point.end.col,
    }
}

/// Relative names are relative to the folder of the run, which a viewer maps with `%SRCROOT%`.
fn artifact(name: &str) -> ArtifactLocation {
    let name = name.replace('\\', "/");
    if name == "-" {
        return ArtifactLocation { uri: "stdin".to_owned(), uri_base_id: None };
    }
    if name.starts_with('/') {
        return ArtifactLocation { uri: format!("file://{}", encoded(&name)), uri_base_id: None };
    }
    let relative = name.strip_prefix("./").unwrap_or(&name);
    ArtifactLocation { uri: encoded(relative), uri_base_id: Some("%SRCROOT%") }
}

/// Percent-encodes what RFC 3986 does not allow in a path.
fn encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// All edits of the finding as one fix, file by file.
fn fix<'a>(report: &Report<'_>, finding: &'a Diagnostic) -> Option<Fix<'a>> {
    let mut by_file: BTreeMap<_, Vec<&'a Edit>> = BTreeMap::new();
    for edit in &finding.edits {
        by_file.entry(edit.at.file).or_default().push(edit);
    }
    let changes: Vec<ArtifactChange<'_>> = by_file
        .into_iter()
        .map(|(file, edits)| ArtifactChange {
            artifact_location: artifact(&report.model.sources.get(file).name),
            replacements: edits
                .into_iter()
                .map(|edit| Replacement {
                    deleted_region: region(report, Location { span: reach(report.source(edit.at), edit), ..edit.at }),
                    inserted_content: Content { text: &edit.text },
                })
                .collect(),
        })
        .collect();
    let text = finding.help.clone().unwrap_or_else(|| finding.code.section("Fix"));
    (!changes.is_empty()).then_some(Fix { description: Text { text }, artifact_changes: changes })
}

fn suppression(suppressed: &Suppressed) -> Suppression<'_> {
    let kind = match suppressed.by {
        SuppressedBy::Setting => "external",
        SuppressedBy::Annotation | SuppressedBy::Comment => "inSource",
    };
    Suppression { kind, justification: suppressed.reason.as_deref() }
}

#[cfg(test)]
mod tests {
    use super::artifact;

    #[test]
    fn names_become_uris() {
        assert_eq!(artifact("./k8s/a b.yaml").uri, "k8s/a%20b.yaml");
        assert_eq!(artifact("k8s\\ä:1.yaml").uri, "k8s/%C3%A4%3A1.yaml");
        assert_eq!(artifact("/tmp/x.yaml").uri, "file:///tmp/x.yaml");
        assert_eq!(artifact("/tmp/x.yaml").uri_base_id, None);
        assert_eq!(artifact("x.yaml").uri_base_id, Some("%SRCROOT%"));
    }
}

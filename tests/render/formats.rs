//! Snapshots of the formats, and that machine formats are what they claim to be.

use insta::assert_snapshot;
use meshctl::diagnostics::render::{Format, Report, Style, render, render_summary};

use super::sample::Sample;
use crate::support::repository;

fn shown(format: Format, report: &Report<'_>, style: Style) -> String {
    let mut out = Vec::new();
    render(format, report, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(format: Format) -> String {
    shown(format, &Sample::new().report(), Style::default())
}

#[test]
fn human() {
    assert_snapshot!(plain(Format::Human));
}

#[test]
fn human_in_a_narrow_terminal_without_unicode() {
    let style = Style { width: 50, unicode: false, colour: false };
    assert_snapshot!(shown(Format::Human, &Sample::new().report(), style));
}

#[test]
fn human_with_colour_says_the_same() {
    let style = Style { colour: true, ..Style::default() };
    let coloured = shown(Format::Human, &Sample::new().report(), style);
    assert!(coloured.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(stripped, plain(Format::Human));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 100] {
        let style = Style { width, ..Style::default() };
        let text = shown(Format::Human, &Sample::new().report(), style);
        let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > usize::from(width)).collect();
        assert!(wide.is_empty(), "{width}: {wide:#?}");
    }
}

#[test]
fn concise() {
    assert_snapshot!(plain(Format::Concise));
}

#[test]
fn json() {
    assert_snapshot!(plain(Format::Json));
}

#[test]
fn yaml() {
    assert_snapshot!(plain(Format::Yaml));
}

#[test]
fn sarif() {
    let text = plain(Format::Sarif).replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    assert_snapshot!(text);
}

/// Indexes are checked by hand: a schema cannot.
#[test]
fn sarif_follows_its_schema() {
    let schema = std::fs::read_to_string(repository("tests/fixtures/sarif/subset.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let sample = Sample::new();
    for report in [sample.report(), sample.clean()] {
        let log: serde_json::Value = serde_json::from_str(&shown(Format::Sarif, &report, Style::default())).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
    }
    let wrong = serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "rule": []}}}]});
    assert!(!validator.is_valid(&wrong), "a property that does not exist must not pass");
}

#[test]
fn junit() {
    assert_snapshot!(plain(Format::Junit));
}

#[test]
fn github() {
    assert_snapshot!(plain(Format::Github));
}

#[test]
fn summary() {
    let sample = Sample::new();
    let mut out = Vec::new();
    render_summary(&sample.report(), &mut out).unwrap();
    render_summary(&sample.clean(), &mut out).unwrap();
    assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn a_clean_run() {
    let sample = Sample::new();
    let clean = |format| shown(format, &sample.clean(), Style::default());
    assert_eq!(clean(Format::Human), "");
    assert_eq!(clean(Format::Concise), "");
    assert_eq!(clean(Format::Github), "");
    assert_eq!(clean(Format::Json), "[]\n");
    assert_eq!(clean(Format::Yaml), "[]\n");
    assert!(clean(Format::Junit).contains(r#"failures="0""#));
    let sarif: serde_json::Value = serde_json::from_str(&clean(Format::Sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn yaml_says_what_json_says() {
    let value: serde_json::Value = serde_json::from_str(&plain(Format::Json)).unwrap();
    let parsed = meshctl::manifests::parse::parse(&plain(Format::Yaml), &meshctl::manifests::limits::Limits::default());
    assert_eq!(parsed.documents[0].root.to_json(), value);
}

//! The edits that analyzers offer, tried on every fixture: they fit the file, they mend the finding, and they come to rest.

use std::fs;

use meshctl::analyzers::registry::ANALYZERS;
use meshctl::analyzers::run;
use meshctl::diagnostics::Diagnostic;
use meshctl::diagnostics::fix::{Plan, plan};
use meshctl::dialects::model::{Model, Options};
use meshctl::manifests::input::Format;

use crate::support::{none, repository};

/// More rounds than findings that disagree about one place.
const ROUNDS: usize = 8;

fn bad_fixtures() -> Vec<(String, String)> {
    let mut files: Vec<_> = walkdir::WalkDir::new(repository("tests/analyzers"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file() && path.file_name().unwrap().to_string_lossy().starts_with("bad_"))
        .map(|path| (path.strip_prefix(repository("")).unwrap().to_string_lossy().into_owned(), path))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn analysed(name: &str, text: &str) -> (Model, Vec<Diagnostic>) {
    let mut model = Model::new(Options::default());
    model.add(name, text.to_owned(), Format::of_name(name).unwrap());
    let analyzers: Vec<_> = ANALYZERS.to_vec();
    let findings = run::run(&model, &analyzers).findings;
    (model, findings)
}

fn planned(name: &str, text: &str) -> (Plan, usize) {
    let (model, findings) = analysed(name, text);
    let offers = findings.iter().filter(|finding| !finding.edits.is_empty()).count();
    (plan(&model, &findings), offers)
}

#[test]
fn edits_of_every_fixture_fit_and_mend() {
    let mut tried = 0;
    let mut faults = Vec::new();
    for (name, text) in bad_fixtures() {
        let (first, offers) = planned(&name, &text);
        tried += offers;
        faults.extend(first.refused.iter().map(|refused| format!("{}: {}", refused.name, refused.reason)));
        let mut text = text;
        for round in 0.. {
            let (mut plan, _) = planned(&name, &text);
            let Some(change) = plan.changes.pop() else { break };
            if round == ROUNDS {
                faults.push(format!("{name}: there is always something left to mend"));
                break;
            }
            text = change.new;
        }
    }
    none("edits that analyzers offer", faults);
    assert!(tried > 0, "no fixture has a finding with an edit");
}

/// A line that no edit is about is still there, byte for byte.
#[test]
fn comments_survive() {
    let mut lost = Vec::new();
    for (name, text) in bad_fixtures() {
        let (plan, _) = planned(&name, &text);
        for change in plan.changes {
            let comments = |text: &str| text.matches('#').count();
            if comments(&change.new) < comments(&change.old) {
                lost.push(name.clone());
            }
        }
    }
    none("a comment is lost in", lost);
}

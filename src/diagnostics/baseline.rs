//! The baseline: findings that were there when a team started, so that only new ones count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fingerprint::{Fingerprints, shown_file};
use super::{Code, Diagnostic};
use crate::dialects::model::Model;
use crate::failure::Failure;
use crate::output::{amount, file};

const VERSION: u32 = 1;

/// The content of a baseline file. Lines do not count, so an entry survives edits elsewhere in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

/// One finding that is known. The fingerprint decides; the rest is for those who read the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The file it was found in.
    pub file: String,
    /// The code.
    pub code: String,
    /// The object, empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// The sentence.
    pub message: String,
    /// The identity.
    pub fingerprint: String,
}

/// `IST0101 VirtualService shop/reviews in k8s/a.yaml`
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.code.as_str(), &self.resource].into_iter().filter(|part| !part.is_empty());
        write!(f, "{}", parts.collect::<Vec<_>>().join(" "))?;
        if self.file.is_empty() { Ok(()) } else { write!(f, " in {}", self.file) }
    }
}

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read or written.
    #[error("cannot {verb} the baseline {}", path.display())]
    Access {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a baseline.
    #[error("{}:{line}:{column}: not a baseline: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// Written by another release.
    #[error("{}: version {version} of the baseline format is not known", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that stands there.
        version: u32,
    },
}

impl From<BaselineError> for Failure {
    fn from(error: BaselineError) -> Self {
        let hint = match &error {
            BaselineError::Access { verb: "write", .. } => "Check that the folder exists and may be written to.",
            _ => "`meshctl analyze --write-baseline FILE` writes a new one.",
        };
        Self::usage(error).hint(hint)
    }
}

/// The findings after the baseline.
#[derive(Debug, Default)]
pub struct Applied {
    /// Those that are new, in order.
    pub findings: Vec<Diagnostic>,
    /// How many are known.
    pub known: usize,
    /// Entries that no longer occur.
    pub fixed: Vec<Entry>,
}

impl Baseline {
    /// The baseline of these findings.
    pub fn of(model: &Model, findings: &[Diagnostic]) -> Self {
        let mut fingerprints = Fingerprints::default();
        let entries = findings.iter().map(|finding| Entry {
            file: shown_file(model, finding),
            code: finding.code.code.to_owned(),
            resource: finding.resource.as_ref().map(ToString::to_string).unwrap_or_default(),
            message: finding.message.clone(),
            fingerprint: fingerprints.next(model, finding).as_str().to_owned(),
        });
        let mut findings: Vec<Entry> = entries.collect();
        findings.sort();
        Self { version: VERSION, findings }
    }

    /// How many findings it lists.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// True when it lists none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Reads a baseline file.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let access = |source| BaselineError::Access { verb: "read", path: path.to_owned(), source };
        Self::parse(path, &fs::read_to_string(path).map_err(access)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, BaselineError> {
        let path = path.to_owned();
        match serde_json::from_str::<Self>(text) {
            Ok(baseline) if baseline.version == VERSION => Ok(baseline),
            Ok(baseline) => Err(BaselineError::Version { path, version: baseline.version }),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
                Err(BaselineError::Syntax { path, line: error.line(), column: error.column(), reason })
            }
        }
    }

    /// Writes the file, entries sorted.
    pub fn write(&self, path: &Path) -> Result<(), BaselineError> {
        let access = |source| BaselineError::Access { verb: "write", path: path.to_owned(), source };
        let mut text = Vec::new();
        crate::output::json::write(&mut text, self).map_err(access)?;
        file::replace(path, &text).map_err(access)
    }

    /// Takes the known findings out. An entry counts as fixed when it does not occur although this run looked for it:
    /// its code is among `checked`, and its file was read or does not exist any more.
    pub fn apply(&self, model: &Model, checked: &[&'static Code], findings: Vec<Diagnostic>) -> Applied {
        let mut open: BTreeMap<&str, &Entry> = self.findings.iter().map(|e| (e.fingerprint.as_str(), e)).collect();
        let mut fingerprints = Fingerprints::default();
        let mut applied = Applied::default();
        for finding in findings {
            if open.remove(fingerprints.next(model, &finding).as_str()).is_some() {
                applied.known += 1;
            } else {
                applied.findings.push(finding);
            }
        }
        let read: BTreeSet<String> =
            model.sources.iter().map(|(_, source)| super::fingerprint::normal_name(&source.name)).collect();
        let is_checked = |entry: &Entry| {
            checked.iter().any(|code| code.code == entry.code)
                && (read.contains(&entry.file) || !Path::new(&entry.file).exists())
        };
        applied.fixed = open.into_values().filter(|entry| is_checked(entry)).cloned().collect();
        applied.fixed.sort();
        applied
    }
}

/// Writes what the baseline no longer needs, for stderr; nothing when it needs all.
pub fn render_fixed(fixed: &[Entry], path: &Path, out: &mut dyn io::Write) -> io::Result<()> {
    const SHOWN: usize = 10;
    if fixed.is_empty() {
        return Ok(());
    }
    let verb = if fixed.len() == 1 { "is" } else { "are" };
    writeln!(out, "{} of the baseline {verb} fixed:", amount(fixed.len(), "finding"))?;
    for entry in fixed.iter().take(SHOWN) {
        writeln!(out, "  {entry}")?;
    }
    if fixed.len() > SHOWN {
        writeln!(out, "  and {} more", fixed.len() - SHOWN)?;
    }
    writeln!(out, "Run again with `--write-baseline {}` to take them out.", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::registry;
    use crate::diagnostics::Sink;
    use crate::dialects::model::Options;
    use crate::manifests::source::{FileId, Span};

    fn model(text: &str) -> Model {
        let mut model = Model::new(Options::default());
        model.add_yaml("./k8s/a.yaml", text.into(), None);
        model
    }

    fn findings(places: &[(u32, &str)]) -> Vec<Diagnostic> {
        let code = registry::code("K8S0101").unwrap();
        let mut sink = Sink::default();
        for (at, message) in places {
            sink.report_at(code, FileId(0), Span::new(*at, *at + 1), *message);
        }
        sink.findings
    }

    #[test]
    fn known_findings_are_taken_out_wherever_they_moved() {
        let model = model("a: 1\nb: 2\nc: 3\n");
        let baseline = Baseline::of(&model, &findings(&[(0, "one"), (5, "two"), (10, "two")]));
        let applied = baseline.apply(&model, &registry::codes(), findings(&[(3, "two"), (8, "one"), (9, "new")]));
        let new: Vec<_> = applied.findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!((new, applied.known), (vec!["New."], 2));
        assert_eq!(applied.fixed.len(), 1);
        assert_eq!(applied.fixed[0].to_string(), "K8S0101 in k8s/a.yaml");
    }

    #[test]
    fn more_of_the_same_are_new() {
        let model = model("a: 1\n");
        let baseline = Baseline::of(&model, &findings(&[(0, "one")]));
        let applied = baseline.apply(&model, &registry::codes(), findings(&[(0, "one"), (3, "one")]));
        assert_eq!((applied.findings.len(), applied.known, applied.fixed.len()), (1, 1, 0));
    }

    #[test]
    fn what_was_not_looked_for_is_not_fixed() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other.yaml");
        fs::write(&other, "").unwrap();
        let mut baseline = Baseline::of(&model("a: 1\n"), &findings(&[(0, "one")]));
        assert_eq!(baseline.apply(&model(""), &[], Vec::new()).fixed, []);
        baseline.findings[0].file = other.to_string_lossy().into_owned();
        assert_eq!(baseline.apply(&model(""), &registry::codes(), Vec::new()).fixed, []);
        fs::remove_file(&other).unwrap();
        assert_eq!(baseline.apply(&model(""), &registry::codes(), Vec::new()).fixed.len(), 1);
    }

    #[test]
    fn a_file_comes_back_as_it_was_written_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("baseline.json");
        let model = model("a: 1\n");
        let baseline = Baseline::of(&model, &findings(&[(0, "two"), (3, "one")]));
        baseline.write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap(), baseline);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.find("\"One.\"").unwrap() < text.find("\"Two.\"").unwrap(), "{text}");
        assert_eq!(Baseline::of(&model, &findings(&[(0, "one"), (3, "two")])), baseline);
    }

    #[test]
    fn a_bad_file_is_told_with_its_place() {
        let error = |text| Baseline::parse(Path::new("b.json"), text).unwrap_err().to_string();
        assert_eq!(error("{\n  \"version\": x\n}"), "b.json:2:14: not a baseline: expected value");
        assert_eq!(error("7"), "b.json:1:1: not a baseline: invalid type: integer `7`, expected struct Baseline");
        assert_eq!(error(r#"{"version": 9, "findings": []}"#), "b.json: version 9 of the baseline format is not known");
        assert!(error(r#"{"version": 1, "finding": []}"#).contains("unknown field `finding`"));
    }
}

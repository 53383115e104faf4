//! Which edits are applied to which file: all of a finding or none, none that disagree, none that do damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::check::check;
use super::edit::{TextEdit, apply};
use crate::diagnostics::Diagnostic;
use crate::dialects::model::Model;
use crate::manifests::input::STDIN;
use crate::manifests::source::FileId;
use crate::output::{amount, file};

/// What `--fix` would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files that change.
    pub changes: Vec<Change>,
    /// Edits that are not made.
    pub refused: Vec<Refused>,
    /// Findings whose edits disagree with others: the next run mends them.
    pub deferred: usize,
}

/// The new text of one file.
#[derive(Debug)]
pub struct Change {
    /// The file's path, as the run read it.
    pub name: String,
    /// The text before.
    pub old: String,
    /// The text after.
    pub new: String,
    /// How many findings that mends.
    pub findings: usize,
}

/// Edits that are not made, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file's name.
    pub name: String,
    /// A clause.
    pub reason: String,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many files.
    pub files: usize,
    /// How many findings that mended.
    pub findings: usize,
    /// Files that could not be written.
    pub refused: Vec<Refused>,
}

/// With more fixes in one file, each is not tried alone: that reads the file once for each.
const TRIED_ALONE: usize = 100;

/// The edits of one finding, by file.
type Fix = BTreeMap<FileId, Vec<TextEdit>>;

/// Plans the edits of the findings. An earlier finding wins over a later one that disagrees with it.
pub fn plan(model: &Model, findings: &[Diagnostic]) -> Plan {
    let mut plan = Plan::default();
    let mut fixes: Vec<Fix> = Vec::new();
    let mut taken = Taken::default();
    let mut stdin = 0;
    for finding in findings.iter().filter(|finding| !finding.edits.is_empty()) {
        match fix_of(model, finding) {
            Err(()) => stdin += 1,
            Ok(None) => {}
            Ok(Some(fix)) if taken.disagrees(&fix) => plan.deferred += 1,
            Ok(Some(fix)) => {
                taken.add(&fix);
                fixes.push(fix);
            }
        }
    }
    if stdin > 0 {
        plan.refuse(STDIN, "standard input cannot be edited, give the files by name");
    }
    let files: BTreeSet<FileId> = fixes.iter().flat_map(|fix| fix.keys().copied()).collect();
    for file in files {
        plan.drop_damage(model, file, &mut fixes);
    }
    let files: BTreeSet<FileId> = fixes.iter().flat_map(|fix| fix.keys().copied()).collect();
    for file in files {
        let source = model.sources.get(file);
        let new = apply(&source.text, &edits_in(file, &fixes));
        let findings = fixes.iter().filter(|fix| fix.contains_key(&file)).count();
        plan.changes.push(Change { name: source.name.clone(), old: source.text.to_string(), new, findings });
    }
    plan
}

/// The edits of a finding as ranges of texts. Nothing when a range does not fit, an error for standard input.
fn fix_of(model: &Model, finding: &Diagnostic) -> Result<Option<Fix>, ()> {
    let mut fix = Fix::new();
    for edit in &finding.edits {
        let source = model.sources.get(edit.at.file);
        if source.name == STDIN {
            return Err(());
        }
        let Some(edit_of_text) = TextEdit::new(&source.text, edit.at.span.range(), &edit.text) else {
            return Ok(None);
        };
        let edits = fix.entry(edit.at.file).or_default();
        if edits.iter().any(|other| other.disagrees(&edit_of_text)) {
            return Ok(None);
        }
        edits.push(edit_of_text);
    }
    Ok(Some(fix))
}

/// The edits that are planned so far. No two of them disagree, so a new one can only disagree with its neighbours.
#[derive(Default)]
struct Taken(BTreeMap<FileId, BTreeMap<(usize, usize), TextEdit>>);

impl Taken {
    /// Two findings that ask for the very same edit agree.
    fn disagrees(&self, fix: &Fix) -> bool {
        fix.iter().any(|(file, edits)| {
            let Some(taken) = self.0.get(file) else { return false };
            edits.iter().any(|edit| {
                let before = taken.range(..(edit.range.start, 0)).next_back();
                let from_here = taken.range((edit.range.start, 0)..=(edit.range.end, usize::MAX));
                before.into_iter().chain(from_here).any(|(_, other)| other != edit && other.disagrees(edit))
            })
        })
    }

    fn add(&mut self, fix: &Fix) {
        for (file, edits) in fix {
            let taken = self.0.entry(*file).or_default();
            taken.extend(edits.iter().map(|edit| ((edit.range.start, edit.range.end), edit.clone())));
        }
    }
}

/// All edits of one file, sorted, each once.
fn edits_in(file: FileId, fixes: &[Fix]) -> Vec<TextEdit> {
    let mut edits: Vec<TextEdit> = fixes.iter().filter_map(|fix| fix.get(&file)).flatten().cloned().collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits.dedup();
    edits
}

impl Plan {
    fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        self.refused.push(Refused { name: name.to_owned(), reason: reason.into() });
    }

    /// Takes out the fixes that would damage the file: those that do it alone, or, when only their sum does, all.
    fn drop_damage(&mut self, model: &Model, file: FileId, fixes: &mut Vec<Fix>) {
        let source = model.sources.get(file);
        let damage = |fixes: &[Fix]| {
            let edits = edits_in(file, fixes);
            check(&source.name, &source.text, &apply(&source.text, &edits), &edits, &model.options.limits).err()
        };
        let Some(mut why) = damage(fixes) else { return };
        let before = fixes.len();
        let here = fixes.iter().filter(|fix| fix.contains_key(&file)).count();
        if here <= TRIED_ALONE {
            fixes.retain(|fix| !fix.contains_key(&file) || damage(std::slice::from_ref(fix)).is_none());
        }
        if let Some(rest) = damage(fixes) {
            why = rest;
            fixes.retain(|fix| !fix.contains_key(&file));
        }
        let count = before - fixes.len();
        self.refuse(&source.name, format!("the edits of {} were not made, because {why}", amount(count, "finding")));
    }

    /// Writes the files. One that changed since it was read is left alone.
    pub fn write(&self) -> Applied {
        let mut applied = Applied::default();
        for change in &self.changes {
            let path = Path::new(&change.name);
            let result = match fs::read_to_string(path) {
                Ok(text) if text == change.old => file::replace(path, change.new.as_bytes()).map_err(|e| e.to_string()),
                Ok(_) => Err("it is not what was read any more".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match result {
                Ok(()) => {
                    applied.files += 1;
                    applied.findings += change.findings;
                }
                Err(reason) => applied.refused.push(Refused { name: change.name.clone(), reason }),
            }
        }
        applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::registry;
    use crate::diagnostics::Sink;
    use crate::dialects::model::Options;
    use crate::manifests::source::{Span, to_u32};

    const TEXT: &str = "a: 1 # one\nb: 2\n\nc: {d: 3, e: 4}\n";

    /// One finding for each list of edits (what, with what), all in one file of this name.
    fn planned(name: &str, fixes: &[&[(&str, &str)]]) -> Plan {
        let mut model = Model::new(Options::default());
        let file = model.add_yaml(name, TEXT.into(), None);
        let mut sink = Sink::default();
        for edits in fixes {
            let finding = sink.report_at(registry::code("K8S0101").unwrap(), file, Span::default(), "x");
            for (what, with) in *edits {
                let start = to_u32(TEXT.find(what).unwrap());
                finding.replace(Span::new(start, start + to_u32(what.len())), *with);
            }
        }
        plan(&model, &sink.findings)
    }

    #[test]
    fn comments_and_layout_stay() {
        let plan = planned("a.yaml", &[&[("1", "7")], &[("b: 2", "")], &[("d: 3", "")]]);
        assert_eq!(plan.changes[0].new, "a: 7 # one\n\nc: {e: 4}\n");
        assert_eq!((plan.changes[0].findings, plan.deferred), (3, 0));
    }

    #[test]
    fn a_finding_is_mended_whole_or_not_at_all() {
        let plan = planned("a.yaml", &[&[("b: 2", "")], &[("1", "7"), ("2", "8")], &[("d: 3", "d: 9")]]);
        assert_eq!(plan.changes[0].new, "a: 1 # one\n\nc: {d: 9, e: 4}\n");
        assert_eq!((plan.changes[0].findings, plan.deferred), (2, 1));
    }

    #[test]
    fn the_same_edit_twice_is_made_once() {
        let plan = planned("a.yaml", &[&[("1", "7")], &[("1", "7")]]);
        assert_eq!((plan.changes[0].new.lines().next(), plan.changes[0].findings), (Some("a: 7 # one"), 2));
    }

    #[test]
    fn an_edit_that_breaks_the_file_is_refused_and_the_others_are_made() {
        let plan = planned("a.yaml", &[&[("1", "[7")], &[("2", "8")]]);
        assert_eq!(plan.changes[0].new, TEXT.replace('2', "8"));
        let reason = "the edits of 1 finding were not made, because a document could not be read afterwards";
        assert_eq!(plan.refused, [Refused { name: "a.yaml".into(), reason: reason.into() }]);
    }

    #[test]
    fn standard_input_is_refused_once() {
        let plan = planned("-", &[&[("1", "7")], &[("2", "8")]]);
        assert!(plan.changes.is_empty());
        assert_eq!(plan.refused.len(), 1);
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        let plan = planned(&path.to_string_lossy(), &[&[("1", "7")]]);
        fs::write(&path, "other: 1\n").unwrap();
        let applied = plan.write();
        assert_eq!((applied.files, applied.refused.len()), (0, 1));
        assert_eq!(fs::read_to_string(&path).unwrap(), "other: 1\n");
        fs::write(&path, TEXT).unwrap();
        assert_eq!(plan.write().files, 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT.replace('1', "7"));
    }

    #[test]
    fn the_diff_is_one_that_patch_reads() {
        let plan = planned("./k8s/a.yaml", &[&[("2", "8")]]);
        let mut out = Vec::new();
        super::super::render_diff(&plan.changes, crate::diagnostics::render::Style::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        --- a/k8s/a.yaml
        +++ b/k8s/a.yaml
        @@ -1,4 +1,4 @@
         a: 1 # one
        -b: 2
        +b: 8
         
         c: {d: 3, e: 4}
        ");
    }
}

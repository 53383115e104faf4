//! Splits findings into those to show and those that somebody wants silent, and reports comments without effect.

use std::collections::BTreeMap;

use super::annotation::Annotated;
use super::codes::UNUSED_IGNORE;
use super::comment::{Directive, Target, directives};
use super::rule::Rule;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::render::{Suppressed, SuppressedBy};
use crate::diagnostics::{Diagnostic, Sink, sort};
use crate::dialects::model::Model;
use crate::manifests::source::FileId;

/// The findings after suppression.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Those to show, in order.
    pub findings: Vec<Diagnostic>,
    /// Those that are silent.
    pub suppressed: Vec<Suppressed>,
}

/// Applies comments, then annotations, then `rules`. `analyzers` are those that ran: only for their codes a comment can
/// be called unused.
pub fn apply(model: &Model, rules: &[Rule], analyzers: &[&'static Analyzer], findings: Vec<Diagnostic>) -> Outcome {
    let mut comments = Comments::new(model);
    let annotated = Annotated::new(model);
    let mut outcome = Outcome::default();
    for finding in findings {
        let comment = comments.cover(model, &finding);
        let by = if comment.is_some() {
            SuppressedBy::Comment
        } else if annotated.covers(&finding) {
            SuppressedBy::Annotation
        } else if rules.iter().any(|rule| rule.covers(&finding)) {
            SuppressedBy::Setting
        } else {
            outcome.findings.push(finding);
            continue;
        };
        outcome.suppressed.push(Suppressed { finding, by, reason: comment.filter(|reason| !reason.is_empty()) });
    }
    let unused = comments.unused(analyzers);
    let is_silent = |finding: &Diagnostic| rules.iter().any(|rule| rule.covers(finding));
    outcome.findings.extend(unused.into_iter().filter(|finding| !is_silent(finding)));
    sort(model, &mut outcome.findings);
    outcome
}

/// The comments with what each has silenced so far.
struct Comments {
    directives: Vec<Directive>,
    /// For each code of each comment, whether it has silenced something.
    used: Vec<Vec<bool>>,
    by_line: BTreeMap<(FileId, u32), Vec<usize>>,
    by_file: BTreeMap<FileId, Vec<usize>>,
}

impl Comments {
    fn new(model: &Model) -> Self {
        let directives: Vec<Directive> = directives(model).into_iter().filter(|d| d.verb == "ignore").collect();
        let mut by_line: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        let mut by_file: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, directive) in directives.iter().enumerate() {
            match directive.target {
                Target::Line(line) => by_line.entry((directive.file, line)).or_default().push(at),
                Target::Document(_) => by_file.entry(directive.file).or_default().push(at),
            }
        }
        let used = directives.iter().map(|directive| vec![false; directive.codes.len()]).collect();
        Self { directives, used, by_line, by_file }
    }

    /// The reason of the comment that silences the finding, when one does.
    fn cover(&mut self, model: &Model, finding: &Diagnostic) -> Option<String> {
        let at = finding.at?;
        if self.directives.is_empty() {
            return None;
        }
        let line = model.sources.get(at.file).line_col(at.span.start).line;
        let in_line = self.by_line.get(&(at.file, line)).into_iter().flatten();
        let in_file = self.by_file.get(&at.file).into_iter().flatten();
        let mut reason = None;
        for index in in_line.chain(in_file) {
            let directive = &self.directives[*index];
            if let Target::Document(span) = directive.target
                && !(span.start..span.end.max(span.start + 1)).contains(&at.span.start)
            {
                continue;
            }
            for (word, used) in directive.codes.iter().zip(&mut self.used[*index]) {
                if word.code.is_some_and(|code| *code == *finding.code) {
                    *used = true;
                    reason.get_or_insert_with(|| directive.reason.clone());
                }
            }
        }
        reason
    }

    /// One finding for each code that silenced nothing although an analyzer looked for it.
    fn unused(&self, analyzers: &[&'static Analyzer]) -> Vec<Diagnostic> {
        let mut sink = Sink::default();
        sink.begin(crate::analyzers::suppression::ANALYZER.name);
        let is_checked = |code| analyzers.iter().any(|a| a.codes.contains(&code));
        for (directive, used) in self.directives.iter().zip(&self.used) {
            for (word, _) in directive.codes.iter().zip(used).filter(|(_, used)| !**used) {
                if let Some(code) = word.code.filter(|code| is_checked(*code)) {
                    let message = format!("This comment ignores {}, which is not found here.", code.code);
                    sink.report_at(&UNUSED_IGNORE, directive.file, word.span, message)
                        .label("silences nothing")
                        .help("Delete the code from the comment, or move the comment to the line of the finding.");
                }
            }
        }
        sink.findings
    }
}

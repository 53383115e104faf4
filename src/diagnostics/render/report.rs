//! What a renderer is given: the findings, the input they are about, and what was left out.

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostic, Level, Location, Undecided};
use crate::dialects::model::Model;
use crate::manifests::source::{LineCol, Source};

/// The result of one run.
#[derive(Debug)]
pub struct Report<'a> {
    /// The input.
    pub model: &'a Model,
    /// The findings to show, in order.
    pub findings: &'a [Diagnostic],
    /// What the input could not answer.
    pub undecided: &'a BTreeMap<Undecided, usize>,
    /// Findings that are not shown.
    pub hidden: Hidden,
    /// How many objects were read.
    pub documents: usize,
    /// How many files were read.
    pub files: usize,
}

/// Findings that are not shown, and why.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Below `--output-threshold`.
    pub threshold: usize,
    /// Listed in the baseline.
    pub baseline: usize,
    /// Silenced by a comment, an annotation or `--suppress`; SARIF still lists them.
    pub suppressed: Vec<Suppressed>,
}

/// A finding that somebody wants to be silent.
#[derive(Debug, Clone)]
pub struct Suppressed {
    /// The finding.
    pub finding: Diagnostic,
    /// Where that is said.
    pub by: SuppressedBy,
    /// The reason given, when the form has room for one.
    pub reason: Option<String>,
}

/// The three ways to silence a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuppressedBy {
    /// `--suppress` or the list in meshctl.yaml.
    Setting,
    /// An annotation of the object.
    Annotation,
    /// A `# meshctl:ignore` comment.
    Comment,
}

/// How text for people looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: u16,
    /// Lines drawn with Unicode characters rather than ASCII.
    pub unicode: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 100, unicode: true }
    }
}

/// The place of a finding for people.
pub(super) struct Point<'a> {
    /// The file's name.
    pub file: &'a str,
    /// First character.
    pub start: LineCol,
    /// One past the last character.
    pub end: LineCol,
}

impl<'a> Report<'a> {
    /// The source of a place.
    pub(super) fn source(&self, at: Location) -> &'a Source {
        self.model.sources.get(at.file)
    }

    /// A place as file, line and column.
    pub(super) fn point(&self, at: Location) -> Point<'a> {
        let source = self.source(at);
        Point { file: &source.name, start: source.line_col(at.span.start), end: source.line_col(at.span.end) }
    }

    /// How many of the findings shown have this level.
    pub(super) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|f| f.level == level).count()
    }
}

//! Where analyzers put what they find, and what they could not decide.

use std::collections::BTreeMap;

use super::code::Code;
use super::diagnostic::{Diagnostic, Location};
use super::sentence::sentence;
use crate::dialects::object::Meta;
use crate::manifests::source::{FileId, Span};

/// Collects findings of one analyzer after the other.
#[derive(Debug, Default)]
pub struct Sink {
    analyzer: &'static str,
    /// The findings so far.
    pub findings: Vec<Diagnostic>,
    /// Questions that the input cannot answer, counted.
    pub undecided: BTreeMap<Undecided, usize>,
}

/// Something that was not checked because the input holds nothing to check it against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecided {
    /// What the input lacks, plural: `Services`, `Secrets`, `Pods or workloads`.
    pub missing: &'static str,
    /// What stays open, plural: `destination hosts`, `workload selectors`.
    pub open: &'static str,
    /// The analyzer.
    pub analyzer: &'static str,
}

impl Sink {
    /// Names the analyzer whose findings follow.
    pub fn begin(&mut self, analyzer: &'static str) {
        self.analyzer = analyzer;
    }

    /// Reports a finding on an object. `span` is underlined, in the object's file.
    pub fn report(
        &mut self,
        code: &'static Code,
        on: &Meta,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(code, Some(on), Some(Location { file: on.file, span }), message.into())
    }

    /// Reports a finding on bytes that belong to no object (a script, an unreadable document).
    pub fn report_at(
        &mut self,
        code: &'static Code,
        file: FileId,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(code, None, Some(Location { file, span }), message.into())
    }

    fn push(
        &mut self,
        code: &'static Code,
        on: Option<&Meta>,
        at: Option<Location>,
        message: String,
    ) -> &mut Diagnostic {
        self.findings.push(Diagnostic {
            code,
            level: code.level,
            analyzer: self.analyzer,
            resource: on.map(Meta::resource),
            message: sentence(message),
            at,
            label: None,
            related: Vec::new(),
            help: None,
            edits: Vec::new(),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Counts a question that the input cannot answer.
    pub fn undecided(&mut self, open: &'static str, missing: &'static str) {
        *self.undecided.entry(Undecided { missing, open, analyzer: self.analyzer }).or_default() += 1;
    }
}

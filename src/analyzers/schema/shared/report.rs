//! Turns verdicts on values into findings on one object.

use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::diagnostics::{Diagnostic, Sink};
use crate::dialects::object::Meta;
use crate::manifests::source::Span;
use crate::schema::{At, Text};

/// The judgement on a value: fine, or one sentence (without the full stop) that says what is wrong with it.
pub type Verdict = Result<(), String>;

/// Reports on one object.
pub struct Report<'a> {
    /// The object.
    pub meta: &'a Meta,
    sink: &'a mut Sink,
}

impl<'a> Report<'a> {
    /// Reports on `meta` go to `sink`.
    pub fn new(meta: &'a Meta, sink: &'a mut Sink) -> Self {
        Self { meta, sink }
    }

    /// Istio refuses the object (IST0106). `message` is a sentence without its full stop.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.sink.report(&SCHEMA_VALIDATION_ERROR, self.meta, span, sentence(message.into()))
    }

    /// Istio accepts the object with a warning (IST0133). `message` is a sentence without its full stop.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.sink.report(&SCHEMA_WARNING, self.meta, span, sentence(message.into()))
    }

    /// An error when the verdict is bad.
    pub fn verdict(&mut self, span: Span, verdict: Verdict) -> Option<&mut Diagnostic> {
        verdict.err().map(|message| self.error(span, message))
    }

    /// Checks a text that is set.
    pub fn text(&mut self, text: Option<&Text>, check: impl Fn(&str) -> Verdict) {
        if let Some(text) = text {
            self.verdict(text.span(), check(text.as_str()));
        }
    }

    /// Checks any other value that is set.
    pub fn value<T: Copy>(&mut self, value: Option<&At<T>>, check: impl Fn(T) -> Verdict) {
        if let Some(value) = value {
            self.verdict(value.span(), check(value.value));
        }
    }

    /// Checks every text of a list.
    pub fn each<'t>(&mut self, texts: impl IntoIterator<Item = &'t Text>, check: impl Fn(&str) -> Verdict) {
        for text in texts {
            self.verdict(text.span(), check(text.as_str()));
        }
    }

    /// The sink, for codes of the analyzer's own.
    pub fn sink(&mut self) -> &mut Sink {
        self.sink
    }
}

fn sentence(mut message: String) -> String {
    if !message.ends_with(['.', '?', '!']) {
        message.push('.');
    }
    message
}

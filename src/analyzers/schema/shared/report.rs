//! Turns verdicts on values into findings on one object.

use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::diagnostics::{Diagnostic, Sink};
use crate::dialects::object::Meta;
use crate::manifests::source::Span;
use crate::schema::{At, Text};

/// The judgement on a value: fine, or one sentence (without the full stop) that says what is wrong with it.
pub type Verdict = Result<(), String>;

/// Annotation that keeps an AuthorizationPolicy from being enforced.
const DRY_RUN: &str = "istio.io/dry-run";

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

    /// As [`Report::new`], after the one rule for the metadata of every kind but AuthorizationPolicy (rule 6).
    pub fn with_metadata(meta: &'a Meta, sink: &'a mut Sink) -> Self {
        let mut report = Self::new(meta, sink);
        if let Some((key, _)) = meta.annotations.entry(DRY_RUN) {
            report
                .error(
                    key.span(),
                    format!("the annotation {DRY_RUN} is only for AuthorizationPolicies, not for a {}", meta.kind),
                )
                .help("remove it; `meshctl analyze` shows what is wrong without applying anything");
        }
        report
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::{Model, Options};

    #[test]
    fn rule_6_dry_run_is_for_authorization_policies() {
        let mut model = Model::new(Options::default());
        let text = "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: a, annotations: {istio.io/dry-run: 'true'}}, spec: {host: a}}";
        model.add_yaml("a", text.to_owned(), None);
        let mut sink = Sink::default();
        Report::with_metadata(&model.destination_rules[0].meta, &mut sink);
        assert_eq!(sink.findings.len(), 1);
        assert!(sink.findings[0].message.contains("only for AuthorizationPolicies"), "{}", sink.findings[0].message);
    }
}

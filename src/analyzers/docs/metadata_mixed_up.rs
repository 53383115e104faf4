//! DOC0013: labels are set as labels and annotations as annotations.

use super::invocation::calls;
use super::knowledge::labels::{ANNOTATIONS, LABELS};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A label set as an annotation, or the other way round
    ///
    /// ## Why
    ///
    /// Controllers select by label and read settings from annotations. A key in the wrong place is stored and never
    /// looked at, without any message.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// kubectl annotate service/web mirror.linkerd.io/exported=true
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl label service/web mirror.linkerd.io/exported=true
    /// ```
    ///
    /// ## Fix
    ///
    /// Use `kubectl label` for a label and `kubectl annotate` for an annotation.
    pub METADATA_MIXED_UP = "DOC0013", "MetadataMixedUp", Error
}

/// Reports a label set as an annotation, or the other way round.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.MetadataMixedUp",
    summary: "Labels are set as labels and annotations as annotations",
    codes: &[&METADATA_MIXED_UP],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let Some(verb) = call.positional.first() else { continue };
        let (wrong, right, noun) = match verb.text.as_str() {
            "annotate" => (LABELS, "label", "a label"),
            "label" => (ANNOTATIONS, "annotate", "an annotation"),
            _ => continue,
        };
        let pairs = call.metadata().count();
        for (key, word) in call.metadata().filter(|(key, _)| wrong.contains(key)) {
            let message = format!("`{key}` is read as {noun} only: `kubectl {}` has no effect.", verb.text);
            let finding = sink.report_at(&METADATA_MIXED_UP, call.file(), word.span, message);
            finding.label(format!("must be {noun}")).help(format!("Use `kubectl {right}`."));
            if pairs == 1 {
                finding.replace(verb.span, right);
            }
        }
    }
}

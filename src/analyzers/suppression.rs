//! K8S0901: comments and annotations that should silence a finding but are written wrong.
//!
//! K8S0902, a comment that silenced nothing, can only be known after suppression: `diagnostics::suppress` reports it
//! under this analyzer's name.

use crate::analyzers::context::Context;
use crate::analyzers::registry::{self, Analyzer};
use crate::diagnostics::Sink;
use crate::diagnostics::suppress::codes::{BAD_IGNORE, UNUSED_IGNORE};
use crate::diagnostics::suppress::comment::{Directive, directives};
use crate::diagnostics::suppress::{OWN_ANNOTATION, near_code, words};
use crate::near::nearest;

/// Checks the comments, and the values of our own annotation. Istio's may hold codes of another release.
pub static ANALYZER: Analyzer = Analyzer {
    name: "suppression.Comments",
    summary: "Comments and annotations that silence findings",
    codes: &[&BAD_IGNORE, &UNUSED_IGNORE],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for directive in directives(cx) {
        comment(&directive, sink);
    }
    for meta in cx.metas() {
        if let Some(value) = meta.annotations.get(OWN_ANNOTATION) {
            let words = words(value.as_str()).filter(|word| *word != "*");
            for word in words.filter(|word| registry::code(word).is_none()) {
                sink.report(&BAD_IGNORE, meta, value.span(), format!("There is no code `{word}`."))
                    .label("silences nothing")
                    .help(did_you_mean(word));
            }
        }
    }
}

fn comment(directive: &Directive, sink: &mut Sink) {
    if directive.verb != "ignore" {
        let message = format!("`meshctl:{}` means nothing in a comment.", directive.verb);
        let finding = sink.report_at(&BAD_IGNORE, directive.file, directive.span, message);
        finding.help(match nearest(&directive.verb, ["ignore"]) {
            Some(_) => "Did you mean `meshctl:ignore`?",
            None => "The only one is `meshctl:ignore CODE reason`.",
        });
        return;
    }
    if directive.codes.is_empty() {
        sink.report_at(&BAD_IGNORE, directive.file, directive.span, "This comment names no code to ignore.")
            .help("Write `# meshctl:ignore CODE reason`.");
        return;
    }
    for word in directive.codes.iter().filter(|word| word.code.is_none()) {
        sink.report_at(&BAD_IGNORE, directive.file, word.span, format!("There is no code `{}`.", word.text))
            .label("silences nothing")
            .help(did_you_mean(&word.text));
    }
    if directive.reason.is_empty() {
        sink.report_at(&BAD_IGNORE, directive.file, directive.span, "This comment gives no reason.")
            .help("Say after the code why the finding is wanted, for those who read it later.");
    }
}

fn did_you_mean(word: &str) -> String {
    match near_code(word) {
        Some(near) => format!("Did you mean {near}?"),
        None => "`meshctl explain` lists the codes.".to_owned(),
    }
}

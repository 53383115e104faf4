//! K8S0102 to K8S0106: values of the wrong type, unknown words, broken rules, missing and conflicting fields.

use super::scalars::is_unquoted;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::model::Model;
use crate::dialects::object::Meta;
use crate::near::nearest;
use crate::schema::{Defect, DefectKind};

declare_code! {
    /// A value of the wrong type
    ///
    /// ## Why
    ///
    /// The API server refuses an object whose field holds a list where it wants a mapping, text where it wants a number,
    /// and so on. Nothing of the object is applied.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   hosts: reviews
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   hosts:
    ///   - reviews
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the value in the form that the message names. A list item starts with `- `.
    pub WRONG_TYPE = "K8S0102", "WrongType", Error
}

declare_code! {
    /// A word that the field does not allow
    ///
    /// ## Why
    ///
    /// The field takes one of a fixed list of words, with exactly their case. The API server refuses any other.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   mtls:
    ///     mode: strict
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   mtls:
    ///     mode: STRICT
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one of the words that the help names.
    pub NOT_ALLOWED = "K8S0103", "WordNotAllowed", Error
}

declare_code! {
    /// A value outside the rules of its field
    ///
    /// ## Why
    ///
    /// The value has the right type and breaks a rule of the kind: a range, a length, a format. The API server refuses the
    /// object.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   ports:
    ///   - name: http
    ///     port: 80800
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   ports:
    ///   - name: http
    ///     port: 8080
    /// ```
    ///
    /// ## Fix
    ///
    /// Choose a value that keeps the rule in the message.
    pub INVALID = "K8S0104", "InvalidValue", Error
}

declare_code! {
    /// A field that must be set is missing
    ///
    /// ## Why
    ///
    /// The API server refuses the object without the field.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   ports:
    ///   - name: http
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   ports:
    ///   - name: http
    ///     port: 80
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the field.
    pub MISSING = "K8S0105", "MissingField", Error
}

declare_code! {
    /// Fields that do not go together
    ///
    /// ## Why
    ///
    /// Some fields exclude each other, of some exactly one must be set, and some rules span several fields. The API server
    /// refuses an object that breaks them.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// match:
    /// - uri:
    ///     exact: /a
    ///     prefix: /a
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// match:
    /// - uri:
    ///     prefix: /a
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep the one field that is meant.
    pub CONFLICT = "K8S0106", "ConflictingFields", Error
}

/// Reports values that do not fit their fields.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Values",
    summary: "Values fit the types, words and rules of their fields",
    codes: &[&WRONG_TYPE, &NOT_ALLOWED, &INVALID, &MISSING, &CONFLICT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.defects {
        for defect in &object.defects {
            report(cx.model(), &object.meta, defect, sink);
        }
    }
}

fn report(model: &Model, meta: &Meta, defect: &Defect, sink: &mut Sink) {
    let path = if defect.path.is_empty() { meta.kind } else { &defect.path };
    let span = defect.span;
    match &defect.kind {
        DefectKind::WrongType { .. } if is_unquoted(model, meta, defect) => {}
        DefectKind::WrongType { expected, found } => {
            let message = format!("`{path}` wants {}, here is {}.", with_article(expected), with_article(found));
            sink.report(&WRONG_TYPE, meta, span, message).label((*found).to_owned()).help(type_help(expected, found));
        }
        DefectKind::NotAllowed { value, allowed } => {
            let near = nearest(value, allowed.iter().copied());
            let message = format!("`{path}` cannot be `{value}`.");
            let finding = sink.report(&NOT_ALLOWED, meta, span, message);
            finding.label(near.map_or("unknown word".to_owned(), |near| format!("perhaps `{near}`")));
            finding.help(format!("Allowed here: {}.", allowed.join(", ")));
            if let Some(near) = near.filter(|near| near.eq_ignore_ascii_case(value)) {
                finding.replace(span, near);
            }
        }
        DefectKind::Invalid { reason } => {
            sink.report(&INVALID, meta, span, format!("`{path}` {reason}.")).label("breaks a rule of the field");
        }
        DefectKind::Missing { name } => {
            sink.report(&MISSING, meta, span, format!("`{path}` needs the field `{name}`."))
                .label(format!("`{name}` is missing"))
                .help(format!("Add `{name}`."));
        }
        DefectKind::Conflict { reason } => {
            sink.report(&CONFLICT, meta, span, format!("`{path}`: {reason}.")).label("breaks a rule of the kind");
        }
        DefectKind::UnknownField { .. } => {}
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "nothing (null)".to_owned(),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn type_help(expected: &str, found: &str) -> String {
    match (expected, found) {
        ("list", _) => "Write a list: each item on its own line after `- `.".to_owned(),
        ("mapping", "list") => "Write a mapping without `- `.".to_owned(),
        ("mapping", _) => "Write a mapping: `key: value` on its own line, indented.".to_owned(),
        ("integer" | "number", "string") => "Write the number without quotes.".to_owned(),
        ("boolean", "string") => "Write true or false without quotes.".to_owned(),
        _ => format!("Write {}.", with_article(expected)),
    }
}

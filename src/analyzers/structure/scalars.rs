//! K8S0005 and K8S0006: plain scalars that are read as something else than their author reads.

use std::collections::HashSet;

use super::trapped;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};
use crate::dialects::model::{Model, Trapped};
use crate::dialects::object::Meta;
use crate::manifests::parse::Trap;
use crate::manifests::resolve::Scalar;
use crate::manifests::source::{FileId, Span};
use crate::schema::{Defect, DefectKind};

declare_code! {
    /// A value that is read as something else
    ///
    /// ## Why
    ///
    /// Kubernetes tools read YAML 1.1: `014` is the octal number 12, `1_000` is 1000, `yes` and `off` are booleans,
    /// `1:30` may be a number of seconds. Newer tools read the same text differently, so the value depends on who reads.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   replicas: 010
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   replicas: 8
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the number in plain decimal form, `true` or `false` for booleans, and put text in quotes.
    pub READ_AS = "K8S0005", "ScalarReadAs", Warning
}

declare_code! {
    /// A bare number or boolean where text is wanted
    ///
    /// ## Why
    ///
    /// Labels, annotations, environment variables and other text fields take strings. A bare `true` or `100` is no string
    /// to Kubernetes: the API server and `kubectl apply` refuse the object. Helm charts often render such values with
    /// quotes, which hides the mistake until the value moves to a plain manifest.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels:
    ///     canary: true
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels:
    ///     canary: "true"
    /// spec:
    ///   containers: [{name: web, image: "web:1"}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the value in quotes.
    pub UNQUOTED = "K8S0006", "UnquotedText", Error
}

/// Reports plain scalars with a surprising reading.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Scalars",
    summary: "Plain values are read as they look, and text fields hold text",
    codes: &[&READ_AS, &UNQUOTED],
    run,
    default: true,
};

/// True for a bare boolean or number in a field that takes text: K8S0006, where other wrong types are K8S0102.
pub(super) fn is_unquoted(model: &Model, meta: &Meta, defect: &Defect) -> bool {
    let DefectKind::WrongType { expected, found } = &defect.kind else { return false };
    let written = model.text(meta, defect.span);
    expected == "string"
        && matches!(*found, "boolean" | "integer" | "number")
        && written.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | ':'))
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let model = cx.model();
    let mut unquoted = HashSet::new();
    for object in &cx.defects {
        for defect in object.defects.iter().filter(|defect| is_unquoted(model, &object.meta, defect)) {
            unquoted.insert((object.meta.file, defect.span));
            report_unquoted(model, &object.meta, defect, sink);
        }
    }
    for found in model.traps.iter().filter(|found| !found.kind.is_empty()) {
        report_read_as(model, found, &unquoted, sink);
    }
}

fn report_unquoted(model: &Model, meta: &Meta, defect: &Defect, sink: &mut Sink) {
    let DefectKind::WrongType { found, .. } = &defect.kind else { return };
    let written = model.text(meta, defect.span);
    let article = if *found == "integer" { "an" } else { "a" };
    // A Helm chart quotes what it renders from values; the server is not asked.
    let values = meta.kind == "IstioOperator" && defect.path.contains("values.");
    let finding = sink.report(
        &UNQUOTED,
        meta,
        defect.span,
        format!("`{}` wants text, but a bare `{written}` is {article} {found}.", defect.path),
    );
    finding
        .label(format!("{found}, not text"))
        .help(format!("Write \"{written}\" in quotes."))
        .replace(defect.span, format!("\"{written}\""));
    if values {
        finding.level(Level::Warning);
    }
}

fn report_read_as(model: &Model, found: &Trapped, unquoted: &HashSet<(FileId, Span)>, sink: &mut Sink) {
    let Trap::ScalarReadAs { span, written, read } = &found.trap else { return };
    if unquoted.contains(&(found.file, *span)) || (is_octal(written, read) && is_file_mode(model, found.file, *span)) {
        return;
    }
    let message = format!("`{written}` is read as {}.", shown(read));
    let finding = trapped(sink.report_at(&READ_AS, found.file, *span, message), found);
    finding.label(format!("is {}", shown(read)));
    if let Scalar::Bool(value) = read {
        // It does what its author means, as long as it is read by a Kubernetes tool.
        finding.level(Level::Info).help(format!("Write {value}, or \"{written}\" if text is meant."));
        finding.replace(*span, value.to_string());
    } else {
        finding.help(format!("Write {}, or \"{written}\" if text is meant.", shown(read)));
    }
}

fn is_octal(written: &str, read: &Scalar) -> bool {
    matches!(read, Scalar::Int(_)) && written.starts_with('0') && written.bytes().all(|b| b.is_ascii_digit())
}

/// File modes (`defaultMode: 0644`) are octal by long habit.
fn is_file_mode(model: &Model, file: FileId, span: Span) -> bool {
    let text = &model.sources.get(file).text;
    let before = text.get(..span.start as usize).unwrap_or_default().trim_end();
    let key = before.strip_suffix(':').map(str::trim_end).unwrap_or_default();
    key.get(key.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case("mode"))
}

fn shown(read: &Scalar) -> String {
    match read {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Uint(value) => value.to_string(),
        Scalar::Float(value) => value.to_string(),
        Scalar::Str => "text".to_owned(),
    }
}

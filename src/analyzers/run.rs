//! Runs analyzers over a model and orders what they find.

use super::context::Context;
use super::registry::Analyzer;
use crate::diagnostics::{Diagnostic, Sink};
use crate::dialects::model::Model;

/// Runs the given analyzers. The findings come in a fixed order: cluster, file, line, code, object, message.
pub fn run(model: &Model, analyzers: &[&'static Analyzer]) -> Sink {
    let context = Context::new(model);
    let mut sink = Sink::default();
    for analyzer in analyzers {
        sink.begin(analyzer.name);
        (analyzer.run)(&context, &mut sink);
    }
    sort(model, &mut sink.findings);
    sink
}

fn sort(model: &Model, findings: &mut [Diagnostic]) {
    findings.sort_by(|a, b| {
        let key = |d: &Diagnostic| d.at.map(|at| (at.file, at.span.start));
        let name = |d: &Diagnostic| d.at.map(|at| model.sources.get(at.file).name.as_str());
        (name(a), key(a), a.code.code, &a.resource, &a.message).cmp(&(
            name(b),
            key(b),
            b.code.code,
            &b.resource,
            &b.message,
        ))
    });
}

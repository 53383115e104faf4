//! Runs analyzers over a model and orders what they find.

use super::context::Context;
use super::registry::Analyzer;
use crate::diagnostics::{Sink, sort};
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
    // Several analyzers may meet the same mistake (a selector without pods); it is reported once.
    sink.findings
        .dedup_by(|a, b| a.code == b.code && a.at == b.at && a.resource == b.resource && a.message == b.message);
    sink
}

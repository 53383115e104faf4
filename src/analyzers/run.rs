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
    sink
}

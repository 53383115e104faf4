//! The order in which findings are shown.

use super::Diagnostic;
use crate::dialects::model::Model;

/// Sorts by file name, place, code, object and message, so that two runs over the same input print the same.
pub fn sort(model: &Model, findings: &mut [Diagnostic]) {
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

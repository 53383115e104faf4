//! K8S0101: fields that the kind does not have.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::schema::DefectKind;

declare_code! {
    /// A field that the kind does not have
    ///
    /// ## Why
    ///
    /// `kubectl apply` refuses the object. Helm, Argo CD and the API server without strict validation drop the field
    /// without a word, so the setting that you believe in is not there.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selectors:
    ///     app: web
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the spelling, move the field to where it belongs, or delete it.
    pub UNKNOWN_FIELD = "K8S0101", "UnknownField", Error
}

/// Reports the unknown fields that reading found.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Fields",
    summary: "Fields that the kind does not have",
    codes: &[&UNKNOWN_FIELD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.defects {
        for defect in &object.defects {
            if let DefectKind::UnknownField { name, .. } = &defect.kind {
                sink.report(
                    &UNKNOWN_FIELD,
                    &object.meta,
                    defect.span,
                    format!("{} has no field `{}`.", object.meta.kind, name),
                );
            }
        }
    }
}

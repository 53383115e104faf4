//! IST9006: the old count of errors in outlier detection.

use super::policies::policies;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::object::Meta;
use crate::manifests::source::Span;
use crate::schema::DefectKind;

declare_code! {
    /// An outlier detection field that has no effect any more
    ///
    /// ## Why
    ///
    /// `consecutiveErrors` is still in the schema, but istiod does not read it: the count that you set is ignored, and the
    /// default (5 answers of 5xx in a row) stays.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     outlierDetection:
    ///       consecutiveErrors: 3
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     outlierDetection:
    ///       consecutive5xxErrors: 3
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `consecutive5xxErrors`, or `consecutiveGatewayErrors` to count only 502, 503 and 504.
    pub OLD_OUTLIER_FIELD = "IST9006", "DeprecatedOutlierDetectionField", Warning
}

/// Checks the outlier detection of every DestinationRule, also under a name that does not exist (`circuitBreaker`).
pub static ANALYZER: Analyzer = Analyzer {
    name: "destinationrule.DeprecatedOutlierField",
    summary: "Outlier detection uses the counts that have an effect",
    codes: &[&OLD_OUTLIER_FIELD],
    run,
    default: true,
};

/// The old field.
const OLD: &str = "consecutiveErrors";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.destination_rules {
        for policy in policies(&object.spec) {
            let old = policy.outlier_detection.and_then(|outlier| outlier.consecutive_errors.as_ref());
            if let Some(old) = old.filter(|old| old.value != 0) {
                report(&object.meta, old.place.entry(), sink);
            }
        }
    }
    let rules = cx.defects.iter().filter(|object| object.meta.kind == "DestinationRule");
    for object in rules {
        for defect in &object.defects {
            if let DefectKind::UnknownField { inside, .. } = &defect.kind
                && let Some(old) = inside.iter().find(|key| key.as_str() == OLD)
            {
                report(&object.meta, old.span(), sink);
            }
        }
    }
}

fn report(meta: &Meta, span: Span, sink: &mut Sink) {
    sink.report(&OLD_OUTLIER_FIELD, meta, span, "`consecutiveErrors` is deprecated, and istiod no longer reads it.")
        .label("no effect")
        .help("write `consecutive5xxErrors`, or `consecutiveGatewayErrors` to count only 502, 503 and 504");
}

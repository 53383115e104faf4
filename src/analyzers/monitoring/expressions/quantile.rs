//! MON0006: quantiles of buckets without their bounds.

use promql_parser::parser::{Expr, LabelModifier};

use crate::analyzers::context::Context;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A quantile without the bounds of its buckets
    ///
    /// ## Why
    ///
    /// histogram_quantile reads the bounds of buckets from the label `le`. An aggregation that drops `le` leaves one sum
    /// without bounds, and the quantile gives nothing: the alert never fires.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// expr: histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket[5m])) by (destination_service)) > 1000
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// expr: histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket[5m])) by (le, destination_service)) > 1000
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `le` to the labels of `by`, or take it out of `without`.
    pub NO_LE = "MON0006", "QuantileWithoutLe", Error
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, sink: &mut Sink) {
    let mut broken = false;
    promql::walk(expr, &mut |part| {
        if let Expr::Call(call) = part
            && call.func.name == "histogram_quantile"
            && let Some(Expr::Aggregate(aggregate)) = call.args.args.get(1).map(|arg| promql::bare(arg))
        {
            let keeps_le = match &aggregate.modifier {
                None => false,
                Some(LabelModifier::Include(labels)) => labels.labels.iter().any(|label| label == "le"),
                Some(LabelModifier::Exclude(labels)) => !labels.labels.iter().any(|label| label == "le"),
            };
            // Native histograms have no buckets and need no `le`.
            let selectors = promql::selectors(&aggregate.expr);
            let classic = !selectors.is_empty()
                && selectors.iter().all(|s| s.name.as_ref().is_some_and(|name| name.ends_with("_bucket")));
            broken |= !keeps_le && classic;
        }
    });
    if broken {
        let message = "The aggregation drops the label `le`, so histogram_quantile gives nothing.";
        sink.report(&NO_LE, rule.meta, rule.span_of_word(cx.model(), "histogram_quantile"), message)
            .label("needs the label `le`")
            .help("Add `le` to the labels that the aggregation keeps: `by (le, ...)`.");
    }
}

//! MON0007: counters compared without a rate.

use promql_parser::parser::Expr;

use crate::analyzers::context::Context;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A counter compared with a number
    ///
    /// ## Why
    ///
    /// A counter only grows, until its process restarts. Compared with a number it passes it some day and stays above:
    /// the alert says how long the process runs, not how things go.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// expr: sum(istio_requests_total{response_code="503"}) > 100
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// expr: sum(rate(istio_requests_total{response_code="503"}[5m])) > 1
    /// ```
    ///
    /// ## Fix
    ///
    /// Compare `rate(...[5m])` or `increase(...[1h])` of the counter.
    pub RAW_COUNTER = "MON0007", "CounterWithoutRate", Warning
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, sink: &mut Sink) {
    let mut found: Option<&str> = None;
    promql::walk(expr, &mut |part| {
        if let Expr::Binary(binary) = part
            && binary.op.is_comparison_operator()
        {
            let sides = [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)];
            // A comparison with 0 asks whether the event happened at all.
            let raw = sides.into_iter().find_map(|(counter, number)| match promql::bare(number) {
                Expr::NumberLiteral(number) if number.val != 0.0 => counter_name(counter),
                _ => None,
            });
            found = found.or(raw);
        }
    });
    if let Some(name) = found {
        let message = format!("The counter {name} only grows; comparing it with a number says little.");
        sink.report(&RAW_COUNTER, rule.meta, rule.span_of_word(cx.model(), name), message)
            .label("a counter without rate()")
            .help(format!("Compare `rate({name}[5m])` or `increase({name}[1h])`."));
    }
}

/// The name of a counter that stands bare, or in a sum, average, largest or smallest.
fn counter_name(expr: &Expr) -> Option<&str> {
    match promql::bare(expr) {
        Expr::VectorSelector(selector) => {
            selector.name.as_deref().filter(|name| name.ends_with("_total") && !name.contains(':'))
        }
        Expr::Aggregate(aggregate) if matches!(aggregate.op.to_string().as_str(), "sum" | "avg" | "max" | "min") => {
            counter_name(&aggregate.expr)
        }
        _ => None,
    }
}

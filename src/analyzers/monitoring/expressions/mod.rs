//! Expressions of Prometheus rules: each is parsed once and given to every rule of this folder.

mod absent;
mod counter;
mod labels;
mod quantile;
mod range;
mod response_code;

use std::time::Duration;

use promql_parser::parser::Expr;

use super::promql::{self, Parsed, Query};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};

declare_code! {
    /// An expression that is no PromQL
    ///
    /// ## Why
    ///
    /// Prometheus refuses the whole file of rules when one expression does not parse. The operator's admission webhook
    /// rejects the object; without it none of the rules is loaded.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// - alert: HighErrorRate
    ///   expr: sum(rate(istio_requests_total[5m]) > 10
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// - alert: HighErrorRate
    ///   expr: sum(rate(istio_requests_total[5m])) > 10
    /// ```
    ///
    /// ## Fix
    ///
    /// Check brackets, quotes and the range in `[ ]` that functions such as rate need.
    pub INVALID = "MON0001", "InvalidPromQL", Error
}

/// Checks the expressions of rules.
pub static ANALYZER: Analyzer = Analyzer {
    name: "monitoring.Expressions",
    summary: "Expressions of Prometheus rules parse and say what they mean",
    codes: &[
        &INVALID,
        &response_code::NOT_OK,
        &absent::NO_ABSENT,
        &range::TOO_SHORT,
        &quantile::NO_LE,
        &counter::RAW_COUNTER,
        &labels::UNKNOWN_LABEL,
    ],
    run,
    default: true,
};

/// What the rules of this folder know about the whole input.
struct Facts {
    /// The names of series that some rule looks at with `absent`.
    absent: Vec<String>,
    /// The shortest time between two scrapes, when the monitors of the input tell.
    interval: Option<Duration>,
    /// Labels that Telemetry objects add to Istio's metrics.
    added_labels: Vec<String>,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let rules: Vec<Parsed<'_>> = promql::rules(cx).collect();
    if rules.is_empty() {
        return;
    }
    let facts = Facts {
        absent: rules.iter().filter_map(|rule| valid(&rule.query)).flat_map(absent::looked_at).collect(),
        interval: range::shortest_interval(cx),
        added_labels: labels::added(cx),
    };
    for rule in &rules {
        match &rule.query {
            Query::Invalid(reason) => invalid(rule, reason, sink),
            Query::Valid(expr) => {
                response_code::check(cx, rule, expr, sink);
                absent::check(cx, rule, expr, &facts, sink);
                range::check(cx, rule, expr, &facts, sink);
                quantile::check(cx, rule, expr, sink);
                counter::check(cx, rule, expr, sink);
                labels::check(cx, rule, expr, &facts, sink);
            }
            Query::Unknown => {}
        }
    }
}

fn valid(query: &Query) -> Option<&Expr> {
    if let Query::Valid(expr) = query { Some(expr) } else { None }
}

fn invalid(rule: &Parsed<'_>, reason: &str, sink: &mut Sink) {
    let reason = reason.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let finding =
        sink.report(&INVALID, rule.meta, rule.written.span(), format!("The expression is no PromQL: {reason}."));
    finding.label("does not parse").help("Check brackets, quotes, and ranges such as [5m].");
    if reason.contains("unknown function") {
        // A newer Prometheus may have it.
        finding.level(Level::Warning).help("Check the name of the function; it may need a newer Prometheus.");
    }
}

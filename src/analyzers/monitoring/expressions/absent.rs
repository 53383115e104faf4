//! MON0004: alerts on `up == 0` that stay silent when the target is gone.

use promql_parser::parser::{Expr, token};

use super::Facts;
use crate::analyzers::context::Context;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::source::Span;

declare_code! {
    /// An alert that stays silent when its target is gone
    ///
    /// ## Why
    ///
    /// `up == 0` finds targets that Prometheus knows and cannot scrape. When the pods, the Service or the monitor are gone,
    /// there is no series `up` at all, the expression gives nothing, and the alert does not fire, just when it should.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// - alert: ControlPlaneDown
    ///   expr: up{job="istiod"} == 0
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// - alert: ControlPlaneDown
    ///   expr: absent(up{job="istiod"}) or up{job="istiod"} == 0
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `absent(...)` with the same selector, in this alert or one of its own.
    pub NO_ABSENT = "MON0004", "SilentWithoutTarget", Warning
}

/// The selectors, as text, that an expression looks at with `absent`.
pub(super) fn looked_at(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    promql::walk(expr, &mut |part| {
        if let Expr::Call(call) = part
            && call.func.name.starts_with("absent")
        {
            found.extend(call.args.args.iter().flat_map(|arg| promql::selectors(arg)).map(text));
        }
    });
    found
}

fn text(selector: &promql_parser::parser::VectorSelector) -> String {
    let mut matchers: Vec<String> = selector.matchers.matchers.iter().map(ToString::to_string).collect();
    matchers.sort();
    format!("{}{{{}}}", selector.name.as_deref().unwrap_or_default(), matchers.join(","))
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, facts: &Facts, sink: &mut Sink) {
    let Expr::Binary(binary) = promql::bare(expr) else { return };
    let (Expr::VectorSelector(selector), Expr::NumberLiteral(number)) =
        (promql::bare(&binary.lhs), promql::bare(&binary.rhs))
    else {
        return;
    };
    let is = |value: f64| (number.val - value).abs() < f64::EPSILON;
    let down = (binary.op.id() == token::T_EQLC && is(0.0)) || (binary.op.id() == token::T_LSS && is(1.0));
    // Without a matcher the alert is about whatever targets there are; no `absent` could name them.
    let one_target = selector.name.as_deref() == Some("up") && !selector.matchers.matchers.is_empty();
    if rule.rule.alert.is_none() || !down || !one_target || facts.absent.contains(&text(selector)) {
        return;
    }
    let span = rule.span_of_word(cx.model(), "up");
    let whole = rule.written.span();
    // Underline the comparison: from `up` to the end of a one-line expression.
    let span = if rule.text.contains('\n') || whole.end < span.end { span } else { Span::new(span.start, whole.end) };
    let written = selector.to_string();
    sink.report(&NO_ABSENT, rule.meta, span, "When the target is gone there is no `up`, and this alert stays silent.")
        .label("gives nothing without the target")
        .help(format!("Write `absent({written}) or {written} == 0`, or add an alert with absent()."));
}

//! MON0003: "not 2xx" taken for an error.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::Expr;

use crate::analyzers::context::Context;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// Everything but 2xx counted as an error
    ///
    /// ## Why
    ///
    /// `response_code!~"2.."` also counts redirects (3xx), mistakes of clients (4xx, among them every 401 and 404), and the
    /// code 0 of requests whose client went away. Such an alert fires on ordinary traffic.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// expr: sum(rate(istio_requests_total{response_code!~"2.."}[5m])) > 1
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// expr: sum(rate(istio_requests_total{response_code=~"5.."}[5m])) > 1
    /// ```
    ///
    /// ## Fix
    ///
    /// Match the codes that are errors: `response_code=~"5.."`, and add 4xx codes or `0` only when they are meant.
    pub NOT_OK = "MON0003", "NotOkCountsAsError", Warning
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, sink: &mut Sink) {
    let selectors = promql::selectors(expr);
    let mut all =
        selectors.iter().flat_map(|s| s.matchers.matchers.iter().chain(s.matchers.or_matchers.iter().flatten()));
    let Some((matcher, op)) = all.find_map(|matcher| Some((matcher, excludes_ok(matcher)?))) else { return };
    // The other codes left out as well: then it is meant.
    if is_narrowed(&selectors) {
        return;
    }
    let span = rule.span_of_matcher(cx.model(), &matcher.name, op);
    let message =
        format!("`{}{op}\"{}\"` also counts 3xx, 4xx and code 0 (the client went away).", matcher.name, value(matcher));
    sink.report(&NOT_OK, rule.meta, span, message)
        .label("more than errors")
        .help(format!("Count the errors that you mean, such as `{}=~\"5..\"`.", matcher.name));
}

/// The operator of a matcher that leaves out all of 2xx, or 200 alone, and nothing else.
fn excludes_ok(matcher: &Matcher) -> Option<&'static str> {
    if !matches!(matcher.name.as_str(), "response_code" | "code" | "status" | "status_code" | "http_status_code") {
        return None;
    }
    match matcher.op {
        MatchOp::NotRe(_) => {
            let value = value(matcher);
            let value = value.trim_start_matches('^').trim_end_matches('$').trim_matches(['(', ')']);
            matches!(value, "2.." | "2.*" | "2.+" | "2[0-9][0-9]" | "2[0-9]{2}" | "2\\d\\d" | "2\\d{2}" | "20.")
                .then_some("!~")
        }
        MatchOp::NotEqual => (matcher.value == "200").then_some("!="),
        _ => None,
    }
}

fn value(matcher: &Matcher) -> String {
    // The parser keeps the text of a regex with its anchors in the matcher's value.
    matcher.value.strip_prefix("^(?:").and_then(|v| v.strip_suffix(")$")).unwrap_or(&matcher.value).to_owned()
}

/// True when a selector names codes in several matchers.
fn is_narrowed(selectors: &[&promql_parser::parser::VectorSelector]) -> bool {
    selectors.iter().any(|selector| {
        let codes = selector.matchers.matchers.iter().filter(|m| m.name == "response_code" || m.name == "code");
        codes.count() > 1
    })
}

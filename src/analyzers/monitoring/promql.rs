//! PromQL of rules: guarded parsing, a walk over the tree, and the way from a piece of it back to the file.

use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_parser::parser::{Expr, parse};

use crate::analyzers::context::Context;
use crate::dialects::model::Model;
use crate::dialects::monitoring::types::{Rule, RuleGroup};
use crate::dialects::object::Meta;
use crate::manifests::source::{Span, to_u32};
use crate::schema::{At, IntOrString};

/// What a text is as PromQL.
pub(super) enum Query {
    /// An expression.
    Valid(Box<Expr>),
    /// None, and why.
    Invalid(String),
    /// Not decided: a template, or out of the bounds within which the parser is known to behave.
    Unknown,
}

/// A rule with its parsed expression.
pub(super) struct Parsed<'m> {
    /// The PrometheusRule.
    pub meta: &'m Meta,
    /// The rule.
    pub rule: &'m Rule,
    /// Its expression as written.
    pub written: &'m At<IntOrString>,
    /// The same as text.
    pub text: String,
    /// The same, parsed.
    pub query: Query,
}

/// Every rule that has an expression, parsed.
pub(super) fn rules<'m>(cx: &Context<'m>) -> impl Iterator<Item = Parsed<'m>> {
    groups(cx.model()).flat_map(|(meta, group)| {
        group.rules.iter().filter_map(move |rule| {
            let written = rule.expr.as_ref()?;
            let text = written.value.to_string();
            let query = read(&text);
            Some(Parsed { meta, rule, written, text, query })
        })
    })
}

/// Every group of rules with its object.
pub(super) fn groups(model: &Model) -> impl Iterator<Item = (&Meta, &RuleGroup)> {
    model.prometheus_rules.iter().flat_map(|object| object.spec.groups.iter().map(move |group| (&object.meta, group)))
}

/// Longest text, deepest nesting and most operators that are parsed: the tree is walked by recursion.
const MAX_LEN: usize = 16 * 1024;
const MAX_DEPTH: usize = 60;
const MAX_OPERATORS: usize = 300;

/// Parses a text. Never panics and never overflows the stack: what is too large or holds numbers that overflow the parser's
/// arithmetic is not judged.
pub(super) fn read(text: &str) -> Query {
    if text.contains("{{") || text.contains("${") || text.contains("$(") || !is_bounded(text) {
        return Query::Unknown;
    }
    match catch_unwind(AssertUnwindSafe(|| parse(text))) {
        Ok(Ok(expr)) => Query::Valid(Box::new(expr)),
        // Prometheus uses another regex library; what this one refuses may be fine there.
        Ok(Err(reason)) if reason.to_ascii_lowercase().contains("regex") => Query::Unknown,
        Ok(Err(reason)) => Query::Invalid(reason),
        Err(_) => Query::Unknown,
    }
}

fn is_bounded(text: &str) -> bool {
    if text.len() > MAX_LEN {
        return false;
    }
    let code = code_of(text);
    let (mut depth, mut deepest, mut operators) = (0usize, 0usize, 0usize);
    for c in code.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '<' | '>' | '!' | '@' => operators += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let words = || code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    operators +=
        words().filter(|w| ["and", "or", "unless", "atan2"].iter().any(|op| w.eq_ignore_ascii_case(op))).count();
    // Long numbers and `1e99` overflow the parser's arithmetic when they are durations.
    let huge = words().any(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        word.starts_with(|c: char| c.is_ascii_digit()) && (digits > 9 || word.contains(['e', 'E', 'x', 'X']))
    });
    deepest <= MAX_DEPTH && operators <= MAX_OPERATORS && !huge
}

/// A text with strings and comments blanked out.
fn code_of(text: &str) -> String {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut blank = |c: char| {
        match quote {
            Some('#') => {
                if c == '\n' {
                    quote = None;
                }
            }
            Some(_) if escaped => escaped = false,
            Some(end) if c == '\\' && end != '`' => escaped = true,
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`' | '#') => quote = Some(c),
            None => return false,
        }
        true
    };
    text.chars().map(|c| if blank(c) { ' ' } else { c }).collect()
}

/// Calls `see` with every part of an expression, the outer ones first.
pub(super) fn walk<'e>(expr: &'e Expr, see: &mut impl FnMut(&'e Expr)) {
    see(expr);
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                walk(param, see);
            }
            walk(&aggregate.expr, see);
        }
        Expr::Unary(unary) => walk(&unary.expr, see),
        Expr::Binary(binary) => {
            walk(&binary.lhs, see);
            walk(&binary.rhs, see);
        }
        Expr::Paren(paren) => walk(&paren.expr, see),
        Expr::Subquery(subquery) => walk(&subquery.expr, see),
        Expr::Call(call) => call.args.args.iter().for_each(|arg| walk(arg, see)),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    }
}

/// An expression without the parentheses around it.
pub(super) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expr {
        expr = &paren.expr;
    }
    expr
}

/// Every series selector in an expression.
pub(super) fn selectors(expr: &Expr) -> Vec<&promql_parser::parser::VectorSelector> {
    let mut found = Vec::new();
    walk(expr, &mut |part| match part {
        Expr::VectorSelector(selector) => found.push(selector),
        Expr::MatrixSelector(matrix) => found.push(&matrix.vs),
        _ => {}
    });
    found
}

impl Parsed<'_> {
    /// The bytes of `word` where it first stands alone in the expression; the whole value when it is not found.
    pub(super) fn span_of_word(&self, model: &Model, word: &str) -> Span {
        self.locate(model, |source| find_word(source, word).map(|at| (at, at + word.len())))
    }

    /// The bytes of a matcher `label op "..."` in the expression; the whole value when it is not found.
    pub(super) fn span_of_matcher(&self, model: &Model, label: &str, op: &str) -> Span {
        self.locate(model, |source| find_matcher(source, label, op))
    }

    fn locate(&self, model: &Model, find: impl Fn(&str) -> Option<(usize, usize)>) -> Span {
        let whole = self.written.span();
        let found = find(model.text(self.meta, whole));
        found.map_or(whole, |(from, to)| Span::new(whole.start + to_u32(from), whole.start + to_u32(to)))
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() { None } else { words(text, word).next() }
}

fn find_matcher(text: &str, label: &str, op: &str) -> Option<(usize, usize)> {
    words(text, label).find_map(|at| {
        let rest = text[at + label.len()..].trim_start().strip_prefix(op)?.trim_start();
        // In a quoted YAML scalar the quotes of PromQL may be escaped.
        let rest = rest.strip_prefix('\\').unwrap_or(rest);
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        let end = rest[1..].find(quote)?;
        Some((at, text.len() - rest.len() + end + 2))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_valid(text: &str) -> bool {
        matches!(read(text), Query::Valid(_))
    }

    #[test]
    fn queries_are_told_from_other_text() {
        for text in [
            "up == 0",
            "sum(rate(istio_requests_total{response_code!~\"2..\"}[5m])) by (destination_service) > 0.1",
            "histogram_quantile(0.99, sum(rate(x_bucket[5m])) by (le))",
            "absent(up{job=\"a\"}) or up == 0",
            "max_over_time(rate(x_total[1m])[10m:30s])",
            "1e-3",
            "vector(1)",
        ] {
            assert!(is_valid(text) || matches!(read(text), Query::Unknown), "{text}");
        }
        for text in ["", "up ==", "sum(rate(x[5m])", "rate(x)", "x[5m] > 0", "nonsense(1)", "up = 0"] {
            assert!(matches!(read(text), Query::Invalid(_)), "{text}");
        }
        for text in ["up{job=\"{{ .Release.Name }}\"}", "rate(x[${window}])", "x[99999999999999999999y]", "x[1e300]"] {
            assert!(matches!(read(text), Query::Unknown), "{text}");
        }
    }

    #[test]
    fn deep_and_long_texts_are_not_judged() {
        let deep = format!("{}up{}", "(".repeat(5000), ")".repeat(5000));
        let long = format!("up{}", " + up".repeat(3000));
        let minus = format!("{}up", "-".repeat(9000));
        for text in [deep, long, minus] {
            assert!(matches!(read(&text), Query::Unknown));
        }
    }

    #[test]
    fn pieces_are_found_in_the_source() {
        let text = "sum(rate(x_total{code!~\"2..\", response_code !~ '2..'}[5m]))";
        let (from, to) = find_matcher(text, "response_code", "!~").unwrap();
        assert_eq!(&text[from..to], "response_code !~ '2..'");
        assert_eq!(find_word(text, "total"), None);
        assert_eq!(find_word(text, "rate"), Some(4));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn nothing_like_a_query_panics(parts in prop::collection::vec(prop::sample::select(vec![
            "sum", "rate(", "up", "[5m]", "[5m:1m]", ")", "(", "by (le)", "{a=\"b\"}", "{a=~\"(\"}", "==", "-", "1e999", "999999999",
            "offset", "@", "5m", "bool", " ", "inf", "nan", "on(", "group_left", "without", ",", "[", "]", "\"", "9999y", "0x", "start()",
        ]), 0..20)) {
            let _ = read(&parts.join(" "));
            let _ = read(&parts.concat());
        }
    }
}

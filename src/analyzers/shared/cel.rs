//! Expressions in CEL (Telemetry filters and tag values): whether they parse, and what they look like when they do not.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longer expressions are not judged.
const LONGEST: usize = 4_000;
/// The parser recurses; more levels than any real expression has are not judged.
const DEEPEST: usize = 24;

/// What stands where an expression is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expression {
    /// It parses (or is too large to be judged).
    Fine,
    /// It does not parse and uses the operators of Envoy's access log formats: `%{X}`, `%REQ(X)%`.
    AccessLogFormat,
    /// It does not parse.
    Broken,
}

/// Judges an expression by its syntax. Names of attributes are not checked: Envoy knows more of them than any list here.
pub fn judge(text: &str) -> Expression {
    if text.len() > LONGEST || levels(text) > DEEPEST {
        return Expression::Fine;
    }
    // The parser is generated code of another crate; a panic in there must not end the analysis.
    match catch_unwind(AssertUnwindSafe(|| cel::Program::compile(text).is_ok())) {
        Ok(true) | Err(_) => Expression::Fine,
        Ok(false) if is_access_log_format(text) => Expression::AccessLogFormat,
        Ok(false) => Expression::Broken,
    }
}

/// An upper bound of how deep the grammar nests: brackets, prefix operators and conditionals.
fn levels(text: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for b in text.bytes() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let run = |wanted: fn(&u8) -> bool| text.bytes().filter(wanted).count();
    deepest + run(|b| *b == b'?') + prefix_run(text)
}

/// The longest run of prefix operators, blanks between them included.
fn prefix_run(text: &str) -> usize {
    let mut run = 0;
    let mut longest = 0;
    for b in text.bytes() {
        match b {
            b'!' | b'-' => run += 1,
            b' ' => {}
            _ => run = 0,
        }
        longest = longest.max(run);
    }
    longest
}

fn is_access_log_format(text: &str) -> bool {
    let Some((_, rest)) = text.split_once('%') else { return false };
    let name = rest.bytes().take_while(|b| b.is_ascii_uppercase() || *b == b'_').count();
    rest.starts_with('{') || (name > 1 && rest[name..].starts_with(['(', '%', ':']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_parse_and_formats_do_not() {
        for fine in [
            "response.code >= 400",
            "'x' in request.headers ? request.headers['x'] : 'unknown'",
            "request.host",
            "has(request.auth.claims.iss) && size(request.path) > 3",
            "\"literal\"",
        ] {
            assert_eq!(judge(fine), Expression::Fine, "{fine}");
        }
        for format in ["%{REQUEST_ID}", "%{REQUEST_HEADERS['x'] | 'unknown'}", "%REQ(X-ID)%", "%RESPONSE_CODE%"] {
            assert_eq!(judge(format), Expression::AccessLogFormat, "{format}");
        }
        for broken in ["response.code >=", "a b", "", "(", "'"] {
            assert_eq!(judge(broken), Expression::Broken, "{broken}");
        }
    }

    #[test]
    fn hostile_expressions_end() {
        for unit in ["(", "[", "!", "- ", "a?", "a?b:", "a.b(", "{a:", "a+", "'", "\\", "%"] {
            judge(&unit.repeat(1_000));
            judge(&unit.repeat(20));
        }
        judge(&"a".repeat(100_000));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z0-9 ().\\[\\]{}'\"|&!?:,%<>=+*/\\\\-]{0,60}") {
            judge(&text);
        }

        #[test]
        fn no_unicode_panics(text in ".{0,30}") {
            judge(&text);
        }
    }
}

//! Regular expressions in RE2 syntax (rule 7). They are parsed, not compiled.
//!
//! The parser is that of Rust's `regex`, whose syntax is nearly RE2's. Where the two differ only what RE2 surely refuses
//! is reported: a text that RE2 takes must never be called wrong.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, ErrorKind, RepetitionKind, RepetitionRange};

use super::Verdict;

/// Istio's limit in bytes.
const MAX: usize = 1024;
/// RE2's limit of a counted repetition.
const MAX_REPETITION: u32 = 1000;

/// An expression that RE2 takes and that is not empty or over 1024 bytes.
pub fn re2(text: &str) -> Verdict {
    if text.is_empty() {
        return Err("a regular expression must not be empty".to_owned());
    }
    if text.len() > MAX {
        return Err(format!("the regular expression has {} bytes, Istio takes at most {MAX}", text.len()));
    }
    match Parser::new().parse(text) {
        Ok(ast) => refused(&ast).map_or(Ok(()), Err),
        Err(error) => match reason(error.kind(), text, error.span().start.offset) {
            Some(reason) => Err(format!("{text:?} is no regular expression in RE2 syntax: {reason}")),
            None => Ok(()),
        },
    }
}

/// Why RE2 refuses a text that Rust's parser refuses; nothing where RE2 may take it.
fn reason(kind: &ErrorKind, text: &str, at: usize) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::GroupUnclosed => "a `(` is not closed",
        ErrorKind::GroupUnopened => "a `)` has no `(`",
        ErrorKind::UnsupportedLookAround => "it has no look-ahead and look-behind",
        ErrorKind::UnsupportedBackreference => {
            let next = text.get(at + 2..at + 3).unwrap_or_default();
            if text.get(at + 1..at + 2) == Some("0") || next.starts_with(|c: char| c.is_digit(8)) {
                return None;
            }
            "it has no back-references"
        }
        ErrorKind::RepetitionMissing => "a `*`, `+`, `?` or `{` has nothing before it to repeat",
        ErrorKind::RepetitionCountInvalid => "the smaller number of a repetition comes first",
        ErrorKind::EscapeUnexpectedEof => "it ends with a lone `\\`",
        ErrorKind::ClassRangeInvalid => "a range in `[...]` runs backwards",
        // In Rust `[` inside a class opens another one; in RE2 it is a plain character.
        ErrorKind::ClassUnclosed if text.matches('[').count() == 1 => "a `[` is not closed",
        ErrorKind::GroupNameDuplicate { .. } => "a group name is used twice",
        _ => return None,
    })
}

/// What Rust takes and RE2 refuses: a repetition of a repetition, and counts over 1000.
fn refused(ast: &Ast) -> Option<String> {
    match ast {
        Ast::Repetition(repetition) => {
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                return Some(
                    "RE2 takes no repetition of a repetition (such as `a**`): put the first into a group".to_owned(),
                );
            }
            if let RepetitionKind::Range(range) = &repetition.op.kind {
                let most = match range {
                    RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n) | RepetitionRange::Bounded(_, n) => *n,
                };
                if most > MAX_REPETITION {
                    return Some(format!("RE2 takes at most {MAX_REPETITION} repetitions, not {most}"));
                }
            }
            refused(&repetition.ast)
        }
        Ast::Group(group) => refused(&group.ast),
        Ast::Alternation(list) => list.asts.iter().find_map(refused),
        Ast::Concat(list) => list.asts.iter().find_map(refused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_7_re2_syntax() {
        for fine in
            [".*", "^/api/v[0-9]+(/.*)?$", "[[a]", r"\/a", r"\d{3}", "a{b", r"\Qa.b\E", "(?i)x", r"\012", "[^/]+"]
        {
            assert_eq!(re2(fine), Ok(()), "{fine}");
        }
        for bad in ["", "(a", "a)", "[a", "*", "a**", "(?=a)", r"(a)\1", "a{1001}", "a{3,2}", r"a\", "[z-a]", "(?<=a)b"]
        {
            assert!(re2(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_7_length() {
        assert!(re2(&"a".repeat(1024)).is_ok());
        assert!(re2(&"a".repeat(1025)).is_err());
    }

    #[test]
    fn odd_texts_do_not_panic() {
        for text in ["é\\", "(é", "\\é", &"(".repeat(1024), &"é{".repeat(400)] {
            let _ = re2(text);
        }
    }
}

//! RE2's spelling of regular expressions in that of the regex crate.
//!
//! They differ in four places: RE2's `\d \w \s \b` are ASCII, `\Q..\E` quotes, `[` and doubled `& ~ -` inside a class are
//! ordinary characters, and a `{` that starts no repetition is one too.

use std::iter::Peekable;
use std::str::Chars;

/// Whether an expression has no special character, so that it matches itself alone.
pub(super) fn is_literal(expression: &str) -> bool {
    !expression.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '\\', '$', '^', '|'])
}

/// The same expression for the regex crate.
pub(super) fn translate(expression: &str) -> Result<String, String> {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut rest, &mut out, false)?,
            '[' => class(&mut rest, &mut out)?,
            '{' if !starts_repetition(rest.clone()) => out.push_str(r"\{"),
            character => out.push(character),
        }
    }
    Ok(out)
}

fn starts_repetition(mut rest: Peekable<Chars<'_>>) -> bool {
    let mut digits = 0;
    while rest.next_if(char::is_ascii_digit).is_some() {
        digits += 1;
    }
    if rest.next_if_eq(&',').is_some() {
        while rest.next_if(char::is_ascii_digit).is_some() {}
    }
    digits > 0 && rest.next() == Some('}')
}

/// What stands after a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String, in_class: bool) -> Result<(), String> {
    let Some(character) = rest.next() else { return Err("not a regular expression: it ends in a backslash".into()) };
    let ascii = match (character, in_class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', false) => r"[\t\n\f\r ]",
        ('s', true) => r"\t\n\f\r ",
        ('S', _) => r"[^\t\n\f\r ]",
        ('b', false) => r"(?-u:\b)",
        ('B', false) => r"(?-u:\B)",
        ('C', false) => r"(?s-u:.)",
        ('Q', false) => {
            quoted(rest, out);
            return Ok(());
        }
        _ => {
            out.push('\\');
            out.push(character);
            return Ok(());
        }
    };
    out.push_str(ascii);
    Ok(())
}

/// `\Q` up to `\E` or the end: every character is itself.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(character) = rest.next() {
        if character == '\\' && rest.next_if_eq(&'E').is_some() {
            break;
        }
        text.push(character);
    }
    out.push_str(&regex::escape(&text));
}

fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A bracket that closes at once is an ordinary member.
    if rest.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    while let Some(character) = rest.next() {
        match character {
            ']' => {
                out.push(']');
                return Ok(());
            }
            '[' if rest.peek() == Some(&':') => named_class(rest, out),
            '[' => out.push_str(r"\["),
            '&' | '~' => {
                out.push('\\');
                out.push(character);
            }
            '-' if rest.peek() == Some(&'-') => out.push_str(r"\-"),
            '\\' => escape(rest, out, true)?,
            character => out.push(character),
        }
    }
    Err("not a regular expression: a class is not closed".into())
}

/// `[:alpha:]` inside a class.
fn named_class(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    for character in rest.by_ref() {
        out.push(character);
        if character == ']' {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, value: &str) -> bool {
        regex::Regex::new(&format!("^(?:{})$", translate(expression).unwrap())).unwrap().is_match(value)
    }

    #[test]
    fn brackets_braces_and_quotes_are_as_in_re2() {
        assert!(matches("[[]", "["));
        assert!(matches("[a&&b]", "&") && matches("[a&&b]", "a"));
        assert!(matches("[]a]", "]"));
        assert!(matches("[[:alpha:]]+", "abc"));
        assert!(matches("/{id}", "/{id}"));
        assert!(matches("a{2}", "aa") && matches("a{1,}", "aaa"));
        assert!(matches(r"\Q.*\E1", ".*1"));
        assert!(translate("[a").is_err() && translate("a\\").is_err());
    }
}

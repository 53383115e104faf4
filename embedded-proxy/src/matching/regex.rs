//! Regular expressions in RE2's spelling, run by the regex crate: linear time, no back references, size capped.

use std::borrow::Cow;
use std::fmt;

use regex::bytes;

use super::re2;
use crate::proto::Reader;

/// Bytes a compiled expression may take. Envoy warns by program size; a megabyte holds any sensible expression.
const SIZE_LIMIT: usize = 1 << 20;

/// An expression that has to match a whole value (RE2's FullMatch).
#[derive(Clone)]
pub struct Regex {
    source: String,
    program: Program,
}

/// The common shapes of expressions do without an automaton.
#[derive(Clone)]
enum Program {
    /// `text`
    Literal(String),
    /// `text.*`
    Prefix(String),
    /// `text.+`
    LongerThan(String),
    /// Anything else.
    Compiled(bytes::Regex),
}

impl Regex {
    /// Compiles an expression; the error is a sentence for people.
    pub fn new(source: &str) -> Result<Self, String> {
        Ok(Self { source: source.to_string(), program: Program::new(source)? })
    }

    /// Reads `envoy.type.matcher.v3.RegexMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // The engine's options are deprecated: the only engine is RE2, and its size limit has had no effect since 2021.
        reader.ignore(&["google_re2"]);
        let source = reader.need_text("regex")?;
        match Self::new(&source) {
            Ok(regex) => Some(regex),
            Err(error) => {
                reader.defect("regex", error);
                None
            }
        }
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether all of `value` matches.
    pub fn matches(&self, value: impl AsRef<[u8]>) -> bool {
        let value = value.as_ref();
        match &self.program {
            Program::Literal(text) => value == text.as_bytes(),
            Program::Prefix(text) => value.strip_prefix(text.as_bytes()).is_some_and(is_line),
            Program::LongerThan(text) => {
                value.strip_prefix(text.as_bytes()).is_some_and(|rest| !rest.is_empty() && is_line(rest))
            }
            Program::Compiled(regex) => regex.is_match(value),
        }
    }
}

impl Program {
    fn new(source: &str) -> Result<Self, String> {
        let (head, program): (&str, fn(String) -> Self) = if let Some(head) = source.strip_suffix(".*") {
            (head, Self::Prefix)
        } else if let Some(head) = source.strip_suffix(".+") {
            (head, Self::LongerThan)
        } else {
            (source, Self::Literal)
        };
        if re2::is_literal(head) {
            return Ok(program(head.to_string()));
        }
        compile(&format!(r"\A(?:{})\z", re2::translate(source)?)).map(Self::Compiled)
    }
}

/// What `.` takes: valid UTF-8 without line feeds.
fn is_line(text: &[u8]) -> bool {
    !text.contains(&b'\n') && std::str::from_utf8(text).is_ok()
}

fn compile(expression: &str) -> Result<bytes::Regex, String> {
    bytes::RegexBuilder::new(expression).size_limit(SIZE_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_string(),
        error => {
            let text = error.to_string();
            format!("not a regular expression: {}", text.lines().last().unwrap_or_default().trim())
        }
    })
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({:?})", self.source)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Regex {}

/// A part of a substitution.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

/// `RegexMatchAndSubstitute`: every match within a value is replaced.
#[derive(Clone)]
pub struct RegexRewrite {
    regex: bytes::Regex,
    substitution: Vec<Piece>,
}

impl RegexRewrite {
    /// An expression and what replaces its matches (`\1` is the first group, `\0` the match, `\\` a backslash).
    pub fn new(pattern: &str, substitution: &str) -> Result<Self, String> {
        let regex = compile(&re2::translate(pattern)?)?;
        let substitution = pieces(substitution, regex.captures_len())?;
        Ok(Self { regex, substitution })
    }

    /// Reads `envoy.type.matcher.v3.RegexMatchAndSubstitute`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let pattern = reader.need("pattern")?;
        pattern.ignore(&["google_re2"]);
        let source = pattern.need_text("regex");
        let substitution = reader.text("substitution");
        match Self::new(&source?, &substitution) {
            Ok(rewrite) => Some(rewrite),
            Err(error) => {
                reader.defect("", error);
                None
            }
        }
    }

    /// The value with its matches replaced.
    pub fn apply<'v>(&self, value: &'v str) -> Cow<'v, str> {
        let replaced = self.regex.replace_all(value.as_bytes(), |captures: &bytes::Captures<'_>| {
            let mut out = Vec::new();
            for piece in &self.substitution {
                match piece {
                    Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Piece::Group(group) => {
                        out.extend_from_slice(captures.get(*group).map_or(b"", |group| group.as_bytes()));
                    }
                }
            }
            out
        });
        match replaced {
            Cow::Borrowed(_) => Cow::Borrowed(value),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

impl fmt::Debug for RegexRewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegexRewrite({:?} -> {:?})", self.regex.as_str(), self.substitution)
    }
}

impl PartialEq for RegexRewrite {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str() && self.substitution == other.substitution
    }
}

fn pieces(substitution: &str, groups: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut characters = substitution.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => text.push('\\'),
            Some(digit @ '0'..='9') => {
                let group = digit as usize - '0' as usize;
                if group >= groups {
                    return Err(format!("the substitution uses group {group}, the expression has {}", groups - 1));
                }
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Group(group));
            }
            _ => return Err("a backslash in a substitution stands before a digit or another backslash".into()),
        }
    }
    pieces.push(Piece::Text(text));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_whole_value_has_to_match() {
        let regex = Regex::new("/api|/b").unwrap();
        assert!(regex.matches("/api") && regex.matches("/b"));
        assert!(!regex.matches("/api/") && !regex.matches("x/b"));
    }

    #[test]
    fn classes_are_ascii_as_in_re2() {
        assert!(Regex::new(r"\d+").unwrap().matches("12"));
        assert!(!Regex::new(r"\d+").unwrap().matches("١٢"));
        assert!(!Regex::new(r"[\w]+").unwrap().matches("é"));
        assert!(Regex::new(r"[^\d]").unwrap().matches("é"));
    }

    #[test]
    fn substitutions_refer_to_groups() {
        let rewrite = RegexRewrite::new("^/service/([^/]+)(/.*)$", r"\2/instance/\1").unwrap();
        assert_eq!(rewrite.apply("/service/foo/v1/api"), "/v1/api/instance/foo");
        assert_eq!(RegexRewrite::new("one", "two").unwrap().apply("/xx/one/yy/one"), "/xx/two/yy/two");
        assert!(RegexRewrite::new("a", r"\1").is_err());
        assert!(RegexRewrite::new("a", r"\x").is_err());
    }

    #[test]
    fn an_expression_that_grows_without_bound_is_refused() {
        assert_eq!(Regex::new("((a{100}){100}){100}").unwrap_err(), "the regular expression is too large");
        assert!(Regex::new("(").unwrap_err().starts_with("not a regular expression"));
    }

    proptest! {
        /// The shapes without an automaton say what the automaton says.
        #[test]
        fn shortcuts_agree_with_the_automaton(head in "[a/-]{0,3}", tail in "(\\.\\*|\\.\\+|)", value in "[a/\n-]{0,5}") {
            let source = format!("{head}{tail}");
            let compiled = compile(&format!(r"\A(?:{source})\z")).unwrap();
            prop_assert_eq!(Regex::new(&source).unwrap().matches(&value), compiled.is_match(value.as_bytes()));
        }
    }
}

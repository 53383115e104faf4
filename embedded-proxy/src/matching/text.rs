//! `envoy.type.matcher.v3.StringMatcher`: a text by its whole, its beginning, its end, a part or an expression.

use super::Regex;
use crate::proto::Reader;

/// How a text is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPattern {
    /// The whole text.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// Its end.
    Suffix(String),
    /// A part of it.
    Contains(String),
    /// The whole text as a regular expression.
    Regex(Regex),
}

/// A matcher of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringMatcher {
    /// The pattern. Lower case when case is ignored.
    pattern: TextPattern,
    /// Without regard to ASCII case; expressions are not concerned.
    ignore_case: bool,
}

impl StringMatcher {
    /// A matcher with regard to case or, with `ignore_case`, without.
    pub fn new(pattern: TextPattern, ignore_case: bool) -> Self {
        let fold = |text: String| if ignore_case { text.to_ascii_lowercase() } else { text };
        let pattern = match pattern {
            TextPattern::Exact(text) => TextPattern::Exact(fold(text)),
            TextPattern::Prefix(text) => TextPattern::Prefix(fold(text)),
            TextPattern::Suffix(text) => TextPattern::Suffix(fold(text)),
            TextPattern::Contains(text) => TextPattern::Contains(fold(text)),
            TextPattern::Regex(regex) => TextPattern::Regex(regex),
        };
        Self { pattern, ignore_case }
    }

    /// A matcher of one whole text.
    pub fn exact(text: &str) -> Self {
        Self::new(TextPattern::Exact(text.to_string()), false)
    }

    /// Reads `envoy.type.matcher.v3.StringMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let ignore_case = reader.flag("ignore_case");
        let pattern = match reader.choice("match_pattern").as_deref() {
            Some("exact") => TextPattern::Exact(reader.text("exact")),
            Some("prefix") => TextPattern::Prefix(reader.need_text("prefix")?),
            Some("suffix") => TextPattern::Suffix(reader.need_text("suffix")?),
            Some("contains") => TextPattern::Contains(reader.need_text("contains")?),
            Some("safe_regex") => TextPattern::Regex(Regex::read(&reader.message("safe_regex")?)?),
            Some(other) => {
                reader.defect(other, "the proxy does not have this way to match a text");
                return None;
            }
            None => {
                reader.defect("", "says no way to match a text");
                return None;
            }
        };
        Some(Self::new(pattern, ignore_case))
    }

    /// Reads a list of them; none when one is wrong.
    pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<Self>> {
        readers.iter().map(Self::read).collect()
    }

    /// The pattern.
    pub fn pattern(&self) -> &TextPattern {
        &self.pattern
    }

    /// Whether ASCII case does not matter.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Whether the text matches.
    pub fn matches(&self, value: impl AsRef<[u8]>) -> bool {
        let value = value.as_ref();
        let same = |a: &[u8], b: &str| {
            if self.ignore_case { a.eq_ignore_ascii_case(b.as_bytes()) } else { a == b.as_bytes() }
        };
        match &self.pattern {
            TextPattern::Exact(text) => same(value, text),
            TextPattern::Prefix(text) => value.get(..text.len()).is_some_and(|head| same(head, text)),
            TextPattern::Suffix(text) => {
                value.len().checked_sub(text.len()).is_some_and(|start| same(&value[start..], text))
            }
            TextPattern::Contains(text) => text.is_empty() || value.windows(text.len()).any(|part| same(part, text)),
            TextPattern::Regex(regex) => regex.matches(value),
        }
    }
}

impl std::fmt::Display for StringMatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.pattern {
            TextPattern::Exact(text) => write!(f, "is {text:?}"),
            TextPattern::Prefix(text) => write!(f, "begins with {text:?}"),
            TextPattern::Suffix(text) => write!(f, "ends with {text:?}"),
            TextPattern::Contains(text) => write!(f, "contains {text:?}"),
            TextPattern::Regex(regex) => write!(f, "matches /{}/", regex.source()),
        }?;
        if self.ignore_case { f.write_str(" (case ignored)") } else { Ok(()) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};

    /// Reads a message of that type with `read`.
    pub(crate) fn read<T>(name: &str, value: &Value, read: impl Fn(&Reader<'_>) -> Option<T>) -> Result<T, String> {
        let defects = Defects::new();
        let reader = Reader::new(from_json(name, value)?, "", &defects);
        let result = read(&reader);
        drop(reader);
        defects.verdict(result).map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    fn matcher(value: &Value) -> Result<StringMatcher, String> {
        read("envoy.type.matcher.v3.StringMatcher", value, StringMatcher::read)
    }

    #[test]
    fn every_pattern_matches_its_texts() {
        let check = |value: Value, yes: &[&str], no: &[&str]| {
            let matcher = matcher(&value).unwrap();
            assert!(yes.iter().all(|text| matcher.matches(text)), "{matcher}: {yes:?}");
            assert!(no.iter().all(|text| !matcher.matches(text)), "{matcher}: {no:?}");
        };
        check(json!({"exact": "abc"}), &["abc"], &["ABC", "abcd", ""]);
        check(json!({"exact": "Abc", "ignore_case": true}), &["abc", "ABC"], &["abcd"]);
        check(json!({"exact": ""}), &[""], &["a"]);
        check(json!({"prefix": "ab"}), &["ab", "abc"], &["a", "xab"]);
        check(json!({"suffix": "BC", "ignore_case": true}), &["abc"], &["b", "bcd"]);
        check(json!({"contains": "b"}), &["abc", "b"], &["B", ""]);
        check(json!({"safe_regex": {"regex": "a.*c"}}), &["ac", "abbc"], &["xac", "acx"]);
        check(json!({"safe_regex": {"regex": "a", "google_re2": {}}}), &["a"], &["A"]);
    }

    #[test]
    fn what_cannot_be_matched_is_a_defect() {
        assert_eq!(matcher(&json!({"prefix": ""})).unwrap_err(), "prefix: must not be empty");
        assert_eq!(matcher(&json!({})).unwrap_err(), "says no way to match a text");
        assert!(
            matcher(&json!({"safe_regex": {"regex": "("}})).unwrap_err().starts_with("safe_regex.regex: not a regular")
        );
        assert!(matcher(&json!({"custom": {"name": "x"}})).unwrap_err().starts_with("custom: the proxy does not have"));
    }
}

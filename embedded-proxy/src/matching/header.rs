//! `envoy.config.route.v3.HeaderMatcher`.

use super::{Field, Fields, Regex, StringMatcher, TextPattern};
use crate::proto::Reader;

/// What the value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// The field is there (true) or is not (false).
    Present(bool),
    /// Its value as a text.
    Text(StringMatcher),
    /// Its value as a whole number: start included, end not.
    Range(i64, i64),
}

/// A matcher of one header field. Each value of a repeated field is looked at on its own, as
/// Envoy does: a policy cannot be dodged by sending a field twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatcher {
    field: Field,
    rule: Rule,
    invert: bool,
    missing_is_empty: bool,
}

impl HeaderMatcher {
    /// Reads `envoy.config.route.v3.HeaderMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.need_text("name");
        let invert = reader.flag("invert_match");
        let missing_is_empty = reader.flag("treat_missing_header_as_empty");
        let rule = read_rule(reader);
        let name = name?;
        let Some(field) = Field::new(&name) else {
            reader.defect("name", "not a name of a header field");
            return None;
        };
        Some(Self { field, rule: rule?, invert, missing_is_empty })
    }

    /// Reads a list of them; none when one is wrong.
    pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<Self>> {
        let all: Vec<Option<Self>> = readers.iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    /// Whether the field matches. A field that is missing matches only where absence is asked for, whether or not the
    /// matcher is inverted, unless it counts as empty.
    pub fn matches(&self, head: &impl Fields) -> bool {
        match (head.any(&self.field, |value| self.holds(value)), &self.rule) {
            (Some(held), _) => held != self.invert,
            (None, _) if self.missing_is_empty => self.holds(b"") != self.invert,
            (None, Rule::Present(present)) => *present == self.invert,
            (None, _) => false,
        }
    }

    /// Whether one value fits the rule.
    fn holds(&self, value: &[u8]) -> bool {
        match &self.rule {
            Rule::Present(present) => *present,
            Rule::Text(text) => text.matches(value),
            Rule::Range(start, end) => number(value).is_some_and(|number| (*start..*end).contains(&number)),
        }
    }
}

fn read_rule(reader: &Reader<'_>) -> Option<Rule> {
    let text = |pattern| Some(Rule::Text(StringMatcher::new(pattern, false)));
    match reader.choice("header_match_specifier").as_deref() {
        None => Some(Rule::Present(true)),
        Some("present_match") => Some(Rule::Present(reader.flag("present_match"))),
        Some("string_match") => Some(Rule::Text(StringMatcher::read(&reader.message("string_match")?)?)),
        Some("exact_match") => text(TextPattern::Exact(reader.text("exact_match"))),
        Some("prefix_match") => text(TextPattern::Prefix(reader.need_text("prefix_match")?)),
        Some("suffix_match") => text(TextPattern::Suffix(reader.need_text("suffix_match")?)),
        Some("contains_match") => text(TextPattern::Contains(reader.need_text("contains_match")?)),
        Some("safe_regex_match") => text(TextPattern::Regex(Regex::read(&reader.message("safe_regex_match")?)?)),
        Some("range_match") => {
            let range = reader.message("range_match")?;
            Some(Rule::Range(range.int("start").unwrap_or(0), range.int("end").unwrap_or(0)))
        }
        Some(other) => {
            reader.defect(other, "the proxy does not have this way to match a header");
            None
        }
    }
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim_ascii().parse().ok()
}

impl std::fmt::Display for HeaderMatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let not = if self.invert { "not: " } else { "" };
        match &self.rule {
            Rule::Present(true) => write!(f, "{not}header {} is there", self.field),
            Rule::Present(false) => write!(f, "{not}header {} is absent", self.field),
            Rule::Text(text) => write!(f, "{not}header {} {text}", self.field),
            Rule::Range(start, end) => write!(f, "{not}header {} is from {start} to below {end}", self.field),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::{Value, json};

    use super::super::text::tests::read;
    use super::*;
    use crate::http::Headers;

    fn matches(value: &Value, fields: &[(&'static str, &'static str)]) -> bool {
        let matcher = read("envoy.config.route.v3.HeaderMatcher", value, HeaderMatcher::read).unwrap();
        let headers: Headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        matcher.matches(&headers)
    }

    #[test]
    fn a_missing_field_matches_only_absence() {
        let there = &[("x", "1")];
        assert!(matches(&json!({"name": "X"}), there) && !matches(&json!({"name": "x"}), &[]));
        assert!(matches(&json!({"name": "x", "present_match": false}), &[]));
        assert!(!matches(&json!({"name": "x", "present_match": false}), there));
        assert!(matches(&json!({"name": "x", "invert_match": true}), &[]));
        assert!(!matches(&json!({"name": "x", "string_match": {"exact": "2"}, "invert_match": true}), &[]));
        assert!(matches(&json!({"name": "x", "string_match": {"exact": "2"}, "invert_match": true}), there));
        let empty = json!({"name": "x", "string_match": {"exact": "2"}, "invert_match": true,
            "treat_missing_header_as_empty": true});
        assert!(matches(&empty, &[]));
    }

    #[test]
    fn ranges_exclude_their_end_and_each_repetition_counts() {
        let range = json!({"name": "x", "range_match": {"start": -2, "end": 3}});
        assert!(matches(&range, &[("x", "-2")]) && matches(&range, &[("x", "2")]));
        assert!(!matches(&range, &[("x", "3")]) && !matches(&range, &[("x", "1a")]) && !matches(&range, &[("x", "")]));
        let repeated = &[("x", "1"), ("y", "0"), ("x", "2")];
        assert!(matches(&json!({"name": "x", "exact_match": "2"}), repeated));
        assert!(!matches(&json!({"name": "x", "exact_match": "0"}), repeated));
        assert!(!matches(&json!({"name": "x", "exact_match": "2", "invert_match": true}), repeated));
    }

    #[test]
    fn every_old_spelling_is_read() {
        for rule in ["exact_match", "prefix_match", "suffix_match", "contains_match"] {
            assert!(matches(&json!({"name": "x", rule: "ab"}), &[("x", "ab")]), "{rule}");
        }
        assert!(matches(&json!({"name": "x", "safe_regex_match": {"regex": "a."}}), &[("x", "ab")]));
    }
}

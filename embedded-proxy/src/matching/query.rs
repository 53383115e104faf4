//! `envoy.config.route.v3.QueryParameterMatcher`, and the parameters of a query.

use super::StringMatcher;
use crate::proto::Reader;

/// The parameters of a query in order: names and values as they stand, not decoded.
pub fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// The first value of a parameter.
pub fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    parameters(query?).find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// What the parameter has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// There (true) or not (false).
    Present(bool),
    /// Its value as a text.
    Text(StringMatcher),
}

/// A matcher of one parameter by its first value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryMatcher {
    name: String,
    rule: Rule,
}

impl QueryMatcher {
    /// Reads `envoy.config.route.v3.QueryParameterMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.need_text("name");
        let rule = match reader.choice("query_parameter_match_specifier").as_deref() {
            Some("string_match") => Rule::Text(StringMatcher::read(&reader.message("string_match")?)?),
            Some(_) => Rule::Present(reader.flag("present_match")),
            None => Rule::Present(true),
        };
        Some(Self { name: name?, rule })
    }

    /// Reads a list of them; none when one is wrong.
    pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<Self>> {
        let all: Vec<Option<Self>> = readers.iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    /// Whether the parameter is as it has to be.
    pub fn matches(&self, query: Option<&str>) -> bool {
        let value = parameter(query, &self.name);
        match &self.rule {
            Rule::Present(wanted) => value.is_some() == *wanted,
            Rule::Text(text) => value.is_some_and(|value| text.matches(value)),
        }
    }
}

impl std::fmt::Display for QueryMatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.rule {
            Rule::Text(text) => write!(f, "query parameter {} {text}", self.name),
            Rule::Present(true) => write!(f, "query parameter {} is there", self.name),
            Rule::Present(false) => write!(f, "query parameter {} is absent", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::text::tests::read;
    use super::*;

    fn matches(value: &Value, query: &str) -> bool {
        read("envoy.config.route.v3.QueryParameterMatcher", value, QueryMatcher::read).unwrap().matches(Some(query))
    }

    #[test]
    fn the_first_value_counts() {
        let exact = json!({"name": "a", "string_match": {"exact": "1"}});
        assert!(matches(&exact, "b=2&a=1&a=2") && !matches(&exact, "a=2&a=1") && !matches(&exact, "b=1"));
        let absent = json!({"name": "a", "present_match": false});
        assert!(matches(&absent, "b=1") && !matches(&absent, "a=1"));
        let empty = json!({"name": "a", "string_match": {"exact": ""}});
        assert!(matches(&empty, "a") && matches(&empty, "a=&b"));
        assert!(
            matches(&json!({"name": "a", "present_match": true}), "x&a=0") && !matches(&json!({"name": "a"}), "aa=1")
        );
    }
}

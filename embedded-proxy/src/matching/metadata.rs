//! Matchers of dynamic metadata: `ValueMatcher`, `ListMatcher`, `OrMatcher`, `DoubleMatcher` and `MetadataMatcher`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::StringMatcher;
use crate::proto::Reader;

/// `envoy.type.matcher.v3.DoubleMatcher`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DoubleMatcher {
    /// Start included, end not.
    Range(f64, f64),
    /// This number.
    Exact(f64),
}

impl DoubleMatcher {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        match reader.choice("match_pattern").as_deref() {
            Some("range") => {
                let range = reader.message("range")?;
                Some(Self::Range(range.float("start").unwrap_or(0.0), range.float("end").unwrap_or(0.0)))
            }
            Some(_) => Some(Self::Exact(reader.float("exact").unwrap_or(0.0))),
            None => {
                reader.defect("", "says no way to match a number");
                None
            }
        }
    }

    /// Whether the number matches.
    #[allow(clippy::float_cmp)] // Envoy compares exactly.
    pub fn matches(self, number: f64) -> bool {
        match self {
            Self::Range(start, end) => start <= number && number < end,
            Self::Exact(exact) => number == exact,
        }
    }
}

/// `envoy.type.matcher.v3.ValueMatcher`: one value of a structure.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonMatcher {
    /// Null.
    Null,
    /// A number.
    Double(DoubleMatcher),
    /// A text.
    Text(StringMatcher),
    /// A truth value.
    Bool(bool),
    /// There (true) or not (false).
    Present(bool),
    /// A list of which one value matches.
    List(Box<JsonMatcher>),
    /// One of these.
    Any(Vec<JsonMatcher>),
}

impl JsonMatcher {
    /// Reads `envoy.type.matcher.v3.ValueMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        Some(match reader.choice("match_pattern").as_deref() {
            Some("null_match") => {
                reader.ignore(&["null_match"]); // An empty message: that it is set says all.
                Self::Null
            }
            Some("double_match") => Self::Double(DoubleMatcher::read(&reader.message("double_match")?)?),
            Some("string_match") => Self::Text(StringMatcher::read(&reader.message("string_match")?)?),
            Some("bool_match") => Self::Bool(reader.flag("bool_match")),
            Some("present_match") => Self::Present(reader.flag("present_match")),
            Some("list_match") => {
                let one = reader.message("list_match")?.need("one_of")?;
                Self::List(Box::new(Self::read(&one)?))
            }
            Some("or_match") => {
                let all = reader.message("or_match")?.list("value_matchers");
                let all: Vec<Option<Self>> = all.iter().map(Self::read).collect();
                Self::Any(all.into_iter().collect::<Option<_>>()?)
            }
            _ => {
                reader.defect("", "says no way to match a value");
                return None;
            }
        })
    }

    /// Whether a value matches; none is a value that is not there.
    pub fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Null => matches!(value, Some(Value::Null)),
            Self::Double(double) => value.and_then(Value::as_f64).is_some_and(|number| double.matches(number)),
            Self::Text(text) => value.and_then(Value::as_str).is_some_and(|value| text.matches(value)),
            Self::Bool(wanted) => value.and_then(Value::as_bool) == Some(*wanted),
            Self::Present(wanted) => value.is_some() == *wanted,
            Self::List(one) => {
                value.and_then(Value::as_array).is_some_and(|all| all.iter().any(|value| one.matches(Some(value))))
            }
            Self::Any(all) => all.iter().any(|matcher| matcher.matches(value)),
        }
    }
}

/// `envoy.type.matcher.v3.MetadataMatcher`: a value under a namespace and a path.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataMatcher {
    /// Namespace, usually the name of a filter.
    pub filter: String,
    /// Keys from the namespace down.
    pub path: Vec<String>,
    /// What the value has to be.
    pub value: JsonMatcher,
    /// Whether the result is turned around.
    pub invert: bool,
}

impl MetadataMatcher {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let filter = reader.need_text("filter");
        let path = reader.list("path").iter().map(|segment| segment.need_text("key")).collect::<Vec<_>>();
        let invert = reader.flag("invert");
        let value = reader.need("value").and_then(|value| JsonMatcher::read(&value));
        if path.is_empty() {
            reader.defect("path", "must not be empty");
        }
        Some(Self { filter: filter?, path: path.into_iter().collect::<Option<_>>()?, value: value?, invert })
    }

    /// Reads a list of them; none when one is wrong.
    pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<Self>> {
        let all: Vec<Option<Self>> = readers.iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    /// Whether the metadata matches: values by namespace.
    pub fn matches(&self, metadata: &BTreeMap<String, Value>) -> bool {
        let value = metadata.get(&self.filter).and_then(|value| at(value, &self.path));
        self.value.matches(value) != self.invert
    }
}

/// The value under a path of keys.
pub fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::text::tests::read;
    use super::*;

    fn matches(value: &Value, metadata: &Value) -> bool {
        let config = json!({"filter": "f", "path": [{"key": "a"}, {"key": "b"}], "value": value});
        let matcher = read("envoy.type.matcher.v3.MetadataMatcher", &config, MetadataMatcher::read).unwrap();
        let metadata: BTreeMap<String, Value> = [("f".to_string(), json!({ "a": metadata }))].into();
        let inverted = MetadataMatcher { invert: true, ..matcher.clone() };
        assert_ne!(matcher.matches(&metadata), inverted.matches(&metadata));
        matcher.matches(&metadata)
    }

    #[test]
    fn every_kind_of_value_is_matched() {
        assert!(matches(&json!({"string_match": {"exact": "x"}}), &json!({"b": "x"})));
        assert!(!matches(&json!({"string_match": {"exact": "x"}}), &json!({"b": 1})));
        assert!(matches(&json!({"double_match": {"range": {"start": 1, "end": 2}}}), &json!({"b": 1.0})));
        assert!(!matches(&json!({"double_match": {"range": {"start": 1, "end": 2}}}), &json!({"b": 2})));
        assert!(matches(&json!({"double_match": {"exact": 3}}), &json!({"b": 3})));
        assert!(matches(&json!({"bool_match": false}), &json!({"b": false})));
        assert!(matches(&json!({"null_match": {}}), &json!({"b": null})));
        assert!(matches(&json!({"present_match": true}), &json!({"b": []})));
        assert!(matches(&json!({"present_match": false}), &json!({"c": []})));
        let list = json!({"list_match": {"one_of": {"string_match": {"prefix": "x"}}}});
        assert!(matches(&list, &json!({"b": [1, "xy"]})) && !matches(&list, &json!({"b": "xy"})));
        let either = json!({"or_match": {"value_matchers": [{"bool_match": true}, {"double_match": {"exact": 1}}]}});
        assert!(matches(&either, &json!({"b": 1})) && !matches(&either, &json!({"b": 2})));
    }
}

//! Field rules that many Istio messages share: durations, ports, 32-bit numbers, label maps.

use crate::manifests::tree::Node;
use crate::schema::Rule;
use crate::schema::leaf::parse_duration;

/// A duration of at least one millisecond. Source: the CEL rule on nearly every duration of Istio's CRDs.
pub const DURATION: Rule = Rule::Test("duration(self) >= duration('1ms')", "must be at least 1ms", at_least_1ms);

/// An unsigned 32-bit number.
pub const UINT32: Rule = Rule::Range(0.0, 4_294_967_295.0);

/// A signed 32-bit number (`format: int32`).
pub const INT32: Rule = Rule::Range(-2_147_483_648.0, 2_147_483_647.0);

/// A signed 32-bit number (`format: int32`) with `minimum: 0`.
pub const INT32_NOT_NEGATIVE: Rule = Rule::Range(0.0, 2_147_483_647.0);

/// A port number from 1 to 65535, where the CRD itself says so.
pub const PORT: Rule = Rule::Range(1.0, 65_535.0);

/// Selector labels: no empty key. Source: CEL rule of `matchLabels`.
pub const KEYS_NOT_EMPTY: Rule =
    Rule::Keys("self.all(key, key.size() != 0)", "must not have an empty key", |key| !key.is_empty());

/// Selector labels: no wildcard in a key. Source: CEL rule of `matchLabels`.
pub const KEYS_WITHOUT_WILDCARD: Rule = Rule::Keys(
    "self.all(key, !key.contains(\"*\"))",
    "must not have `*` in a key: labels are compared exactly",
    |key| !key.contains('*'),
);

/// Selector labels: no wildcard in a value, and no value over 63 characters. Source: rules of the values of `matchLabels`.
pub const LABEL_VALUES: Rule = Rule::Each(&Rule::Test(
    "!self.contains(\"*\") && size(self) <= 63",
    "must have at most 63 characters and no `*`: labels are compared exactly",
    |node| node.as_str().is_none_or(|text| !text.contains('*') && text.chars().count() <= 63),
));

/// True for durations of 1 ms or more, and for everything that is no duration (another check speaks about that).
fn at_least_1ms(node: &Node) -> bool {
    node.as_str().and_then(parse_duration).is_none_or(|d| d >= std::time::Duration::from_millis(1))
}

/// True when a field of a message is there and not null (`has(self.key)` of a CEL rule).
pub fn set(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|value| !value.is_null())
}

/// True when no two items of a list of mappings have the same value under `key`.
pub fn unique_by(node: &Node, key: &str) -> bool {
    let mut seen: Vec<String> =
        node.items().iter().filter_map(|item| item.get(key)).map(|value| value.to_json().to_string()).collect();
    let all = seen.len();
    seen.sort();
    seen.dedup();
    seen.len() == all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::limits::Limits;
    use crate::manifests::parse::parse;

    fn node(text: &str) -> Node {
        parse(text, &Limits::default()).documents.remove(0).root
    }

    #[test]
    fn durations_under_a_millisecond_are_refused_and_other_values_left_alone() {
        assert!(DURATION.broken_by(&node("0.5ms")).is_some());
        assert!(DURATION.broken_by(&node("0s")).is_some());
        for fine in ["1ms", "1h", "soon", "[]"] {
            assert_eq!(DURATION.broken_by(&node(fine)), None, "{fine}");
        }
    }

    #[test]
    fn labels_are_compared_exactly() {
        assert!(LABEL_VALUES.broken_by(&node("app: 'web*'")).is_some());
        assert!(KEYS_WITHOUT_WILDCARD.broken_by(&node("'a*': web")).is_some());
        assert!(KEYS_NOT_EMPTY.broken_by(&node("'': web")).is_some());
        assert_eq!(LABEL_VALUES.broken_by(&node("app: web")), None);
    }

    #[test]
    fn list_keys_are_unique() {
        assert!(unique_by(&node("[{name: 1}, {name: 2}, {other: 1}]"), "name"));
        assert!(!unique_by(&node("[{name: 1}, {name: 1}]"), "name"));
    }
}

//! Dynamic metadata: values that filters leave for each other, by namespace.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Merges values into a namespace as Envoy does: key by key, and a value replaces the earlier one of its key.
pub(super) fn merge(
    metadata: &mut BTreeMap<String, Value>,
    namespace: &str,
    values: impl IntoIterator<Item = (String, Value)>,
) {
    let namespace = metadata.entry(namespace.to_string()).or_insert_with(|| Value::Object(Map::new()));
    if !namespace.is_object() {
        *namespace = Value::Object(Map::new());
    }
    let Value::Object(fields) = namespace else { return };
    fields.extend(values);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_merge_and_values_are_replaced() {
        let mut metadata = BTreeMap::from([("n".to_string(), json!({ "o": { "a": 1 }, "s": 1 }))]);
        merge(&mut metadata, "n", [("o".into(), json!({ "b": 2 })), ("t".into(), json!("x"))]);
        assert_eq!(metadata["n"], json!({ "o": { "b": 2 }, "s": 1, "t": "x" }));
    }
}

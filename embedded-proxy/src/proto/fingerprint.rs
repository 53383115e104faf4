//! A number that tells whether two messages say the same.

use std::hash::Hasher as _;

use prost_reflect::{DynamicMessage, MapKey, Value};
use twox_hash::XxHash64;

/// Hash of a message's content, the same for equal messages whatever the order of their map entries.
pub fn fingerprint(message: &DynamicMessage) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    mix_message(message, &mut hasher);
    hasher.finish()
}

/// The same for some fields only, by name; fields that the message does not have count as not set.
pub fn fingerprint_of(message: &DynamicMessage, fields: &[&str]) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    for (field, value) in message.fields().filter(|(field, _)| fields.contains(&field.name())) {
        hasher.write_u32(field.number());
        mix(value, &mut hasher);
    }
    hasher.finish()
}

fn mix_message(message: &DynamicMessage, hasher: &mut XxHash64) {
    for (field, value) in message.fields() {
        hasher.write_u32(field.number());
        mix(value, hasher);
    }
    for unknown in message.unknown_fields() {
        hasher.write_u32(unknown.number());
        hasher.write_usize(unknown.encoded_len());
    }
    hasher.write_u32(u32::MAX);
}

fn mix(value: &Value, hasher: &mut XxHash64) {
    match value {
        Value::Bool(value) => hasher.write_u8(u8::from(*value)),
        Value::I32(value) | Value::EnumNumber(value) => hasher.write_i32(*value),
        Value::I64(value) => hasher.write_i64(*value),
        Value::U32(value) => hasher.write_u32(*value),
        Value::U64(value) => hasher.write_u64(*value),
        Value::F32(value) => hasher.write_u32(value.to_bits()),
        Value::F64(value) => hasher.write_u64(value.to_bits()),
        Value::String(value) => mix_bytes(value.as_bytes(), hasher),
        Value::Bytes(value) => mix_bytes(value, hasher),
        Value::Message(value) => mix_message(value, hasher),
        Value::List(values) => {
            hasher.write_usize(values.len());
            for value in values {
                mix(value, hasher);
            }
        }
        Value::Map(entries) => {
            hasher.write_usize(entries.len());
            let mut entries: Vec<(&MapKey, &Value)> = entries.iter().collect();
            entries.sort_by(|one, other| one.0.cmp(other.0));
            for (key, value) in entries {
                mix(&key.clone().into(), hasher);
                mix(value, hasher);
            }
        }
    }
}

fn mix_bytes(bytes: &[u8], hasher: &mut XxHash64) {
    hasher.write_usize(bytes.len());
    hasher.write(bytes);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::from_json;

    fn cluster(value: &serde_json::Value) -> DynamicMessage {
        from_json("envoy.config.cluster.v3.Cluster", value).unwrap()
    }

    #[test]
    fn only_what_is_asked_for_counts() {
        let one = cluster(&json!({"name": "a", "metadata": {"filter_metadata": {"x": {"k": 1}, "y": {"k": 2}}}}));
        let same = cluster(&json!({"name": "a", "metadata": {"filter_metadata": {"y": {"k": 2}, "x": {"k": 1}}}}));
        let other = cluster(&json!({"name": "b", "metadata": {"filter_metadata": {"y": {"k": 2}, "x": {"k": 1}}}}));
        assert_eq!(fingerprint(&one), fingerprint(&same));
        assert_ne!(fingerprint(&one), fingerprint(&other));
        assert_eq!(fingerprint_of(&one, &["metadata"]), fingerprint_of(&other, &["metadata"]));
    }
}

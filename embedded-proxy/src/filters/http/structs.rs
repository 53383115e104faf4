//! `google.protobuf.Struct` of the generated messages, to and from JSON.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value as PbValue};
use serde_json::{Map, Value};

/// JSON as a message.
pub(super) fn to_struct(fields: &Map<String, Value>) -> Struct {
    Struct { fields: fields.iter().map(|(key, value)| (key.clone(), to_value(value))).collect() }
}

fn to_value(value: &Value) -> PbValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(0.0)),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(to_value).collect() }),
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    PbValue { kind: Some(kind) }
}

/// A message as JSON.
pub(super) fn from_struct(message: Struct) -> Map<String, Value> {
    message.fields.into_iter().map(|(key, value)| (key, from_value(value))).collect()
}

fn from_value(value: PbValue) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => number_value(number),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(from_value).collect(),
        Some(Kind::StructValue(fields)) => from_struct(fields).into(),
    }
}

/// Whole numbers stay whole in logs and headers.
#[allow(clippy::cast_possible_truncation)]
fn number_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { Value::from(number as i64) } else { Value::from(number) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_and_back() {
        let value = json!({ "a": [1, 1.5, null, true, "x"], "b": { "c": {} } });
        let Value::Object(fields) = &value else { return };
        assert_eq!(Value::Object(from_struct(to_struct(fields))), value);
    }
}

//! What two JSON documents do not have in common, as lines with paths.

use serde_json::Value;

/// The differences of `theirs` and `ours`; `volatile` says which values are not compared, by path.
pub fn differ(theirs: &Value, ours: &Value, volatile: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    walk("", theirs, ours, volatile, &mut found);
    found
}

fn walk(path: &str, theirs: &Value, ours: &Value, volatile: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
    match (theirs, ours) {
        (left, right) if volatile(path) && !left.is_object() && !left.is_array() && !right.is_object() => {}
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match right.get(name) {
                    Some(other) => walk(&inner, value, other, volatile, found),
                    None => found.push(format!("{inner}: only Envoy has it: {}", short(value))),
                }
            }
            for (name, value) in right.iter().filter(|(name, _)| !left.contains_key(*name)) {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                found.push(format!("{inner}: only we have it: {}", short(value)));
            }
        }
        (Value::Array(left), Value::Array(right)) if left.is_empty() != right.is_empty() => {
            found.push(format!("{path}: Envoy has {} elements, we have {}", left.len(), right.len()));
        }
        (Value::Array(left), Value::Array(right)) => {
            let keyed = |values: &[Value]| values.iter().all(|value| key(value).is_some());
            if keyed(left) && keyed(right) && !left.is_empty() {
                lists(path, left, right, volatile, found);
                return;
            }
            if left.len() != right.len() {
                found.push(format!("{path}: Envoy has {} elements, we have {}", left.len(), right.len()));
            }
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(&format!("{path}[{index}]"), left, right, volatile, found);
            }
        }
        (left, right) if kind(left) != kind(right) => {
            found.push(format!("{path}: Envoy has {}, we have {}", short(left), short(right)));
        }
        (left, right) if left != right => {
            found.push(format!("{path}: Envoy has {}, we have {}", short(left), short(right)));
        }
        _ => {}
    }
}

/// Lists whose elements have names: compared by name, and their order too.
fn lists(path: &str, left: &[Value], right: &[Value], volatile: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
    let keys = |values: &[Value]| values.iter().filter_map(key).collect::<Vec<String>>();
    let (left_keys, right_keys) = (keys(left), keys(right));
    for (name, value) in left_keys.iter().zip(left) {
        let inner = format!("{path}[{name}]");
        match right_keys.iter().position(|other| other == name).and_then(|index| right.get(index)) {
            Some(other) => walk(&inner, value, other, volatile, found),
            None => found.push(format!("{inner}: only Envoy has it: {}", short(value))),
        }
    }
    for (name, value) in right_keys.iter().zip(right).filter(|(name, _)| !left_keys.contains(name)) {
        found.push(format!("{path}[{name}]: only we have it: {}", short(value)));
    }
}

/// What an element is called, where elements of such a list have names.
fn key(value: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_string);
    let fields = value.as_object()?;
    for inner in ["cluster", "listener", "route_config", "secret", "endpoint_config"] {
        if let Some(inner) = fields.get(inner).filter(|inner| inner.is_object()) {
            return inner.get("name").or_else(|| inner.get("cluster_name")).and_then(text);
        }
    }
    if fields.contains_key("histograms") {
        return Some("histograms".into());
    }
    let kind =
        || fields.get("@type").and_then(text).map(|kind| kind.rsplit('.').next().unwrap_or_default().to_string());
    fields.get("name").and_then(text).or_else(kind)
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

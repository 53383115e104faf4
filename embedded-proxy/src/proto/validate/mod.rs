//! The rules that stand beside the fields of Envoy's messages (`validate.rules`), checked on any message.
//!
//! They are read from the descriptors, so that nothing has to be written for a new message.

mod check;
mod rules;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, ReflectMessage as _, Value};

use self::rules::{Field, Rules};
use super::{Defect, Defects, Reader, Typed, any};

/// Rules by the full name of a message, as far as they were needed.
static CACHE: Mutex<Option<HashMap<String, Arc<Rules>>>> = Mutex::new(None);

/// Deeper messages are not looked at: Envoy's own are nested a dozen times.
const DEEPEST: usize = 100;

/// Checks a message and all messages in it, also those inside of `Any`. `path` is what the paths of defects begin with.
pub fn validate(message: &DynamicMessage, path: &str, defects: &Defects) {
    walk(message, path, defects, 0);
}

/// Checks a message, then reads it. Both kinds of defects are told; where a rule is broken, only the rule is.
pub fn read_checked<T>(
    message: DynamicMessage,
    path: &str,
    read: impl FnOnce(&Reader<'_>) -> Option<T>,
) -> Result<T, Vec<Defect>> {
    let broken = Defects::new();
    validate(&message, path, &broken);
    read_after(broken, message, path, read)
}

/// Reads a message of which it is known already what rules it breaks.
pub fn read_after<T>(
    broken: Defects,
    message: DynamicMessage,
    path: &str,
    read: impl FnOnce(&Reader<'_>) -> Option<T>,
) -> Result<T, Vec<Defect>> {
    let mut broken = broken.into_sorted();
    let defects = Defects::new();
    let reader = Reader::new(message, path, &defects);
    let value = read(&reader);
    drop(reader);
    let verdict = defects.verdict(value);
    if broken.is_empty() {
        return verdict;
    }
    let more = verdict.err().unwrap_or_default();
    let more: Vec<Defect> = more.into_iter().filter(|one| !broken.iter().any(|rule| rule.path == one.path)).collect();
    broken.extend(more);
    broken.sort();
    Err(broken)
}

/// Lets go of the rules; the next check reads them again.
pub(super) fn release() {
    CACHE.lock().take();
}

fn rules(descriptor: &MessageDescriptor) -> Arc<Rules> {
    let mut cache = CACHE.lock();
    let cache = cache.get_or_insert_default();
    if let Some(rules) = cache.get(descriptor.full_name()) {
        return rules.clone();
    }
    let rules = Arc::new(Rules::read(descriptor));
    cache.insert(descriptor.full_name().to_string(), rules.clone());
    rules
}

fn walk(message: &DynamicMessage, path: &str, defects: &Defects, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    if any::is_any(message) {
        // What does not open is told by whoever reads it.
        if let Ok(typed) = Typed::open(message) {
            walk(&typed.message, path, defects, depth + 1);
        }
        return;
    }
    let descriptor = message.descriptor();
    let rules = rules(&descriptor);
    for oneof in &rules.required_oneofs {
        if !oneof.fields.iter().any(|number| message.has_field_by_number(*number)) {
            defects.push(path, format!("one of {} must be set", oneof.names.join(", ")));
        }
    }
    for field in &rules.fields {
        if let Some(descriptor) = descriptor.get_field(field.number) {
            let value = message.has_field(&descriptor).then(|| message.get_field(&descriptor));
            check_field(field, value.as_deref(), &join(path, &field.name), defects);
        }
    }
    for (field, value) in message.fields() {
        if rules.skipped.contains(&field.number()) {
            continue;
        }
        below(value, &join(path, field.name()), defects, depth);
    }
}

/// Checks messages in a value.
fn below(value: &Value, path: &str, defects: &Defects, depth: usize) {
    match value {
        Value::Message(message) => walk(message, path, defects, depth + 1),
        Value::List(values) if matches!(values.first(), Some(Value::Message(_))) => {
            for (index, value) in values.iter().enumerate() {
                below(value, &format!("{path}[{index}]"), defects, depth);
            }
        }
        Value::Map(entries) if matches!(entries.values().next(), Some(Value::Message(_))) => {
            for (key, value) in sorted(entries) {
                below(value, &format!("{path}[{}]", shown(key)), defects, depth);
            }
        }
        _ => {}
    }
}

fn check_field(field: &Field, value: Option<&Value>, path: &str, defects: &Defects) {
    // Members of a oneof and fields with presence are only looked at when they are set.
    if value.is_none() && field.optional {
        if let Some(sentence) = field.absent() {
            defects.push(path, sentence);
        }
        return;
    }
    let default = field.default.clone();
    let Some(value) = value.or(default.as_ref()) else { return };
    for sentence in field.sentences(value) {
        defects.push(path, sentence);
    }
    let each = |item: &Value, at: String| {
        for sentence in field.items.iter().filter_map(|check| check.sentence(item)) {
            defects.push(at.clone(), sentence);
        }
    };
    match value {
        Value::List(items) => items.iter().enumerate().for_each(|(index, item)| each(item, format!("{path}[{index}]"))),
        Value::Map(entries) => {
            for (key, item) in sorted(entries) {
                let at = format!("{path}[{}]", shown(key));
                for sentence in field.keys.iter().filter_map(|check| check.sentence(&key.clone().into())) {
                    defects.push(at.clone(), sentence);
                }
                each(item, at);
            }
        }
        _ => {}
    }
}

/// Entries by key, so that defects come in the same order each time.
fn sorted(entries: &HashMap<MapKey, Value>) -> BTreeMap<&MapKey, &Value> {
    entries.iter().collect()
}

fn shown(key: &MapKey) -> String {
    match key {
        MapKey::String(text) => format!("{text:?}"),
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_string() } else { format!("{path}.{field}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::from_json;

    fn found(name: &str, value: &serde_json::Value) -> Vec<String> {
        let defects = Defects::new();
        validate(&from_json(name, value).unwrap(), "", &defects);
        defects.into_sorted().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_of_all_kinds_are_checked_with_a_path() {
        let cluster = "envoy.config.cluster.v3.Cluster";
        assert_eq!(found(cluster, &json!({ "name": "a", "connect_timeout": "1s" })), [""; 0]);
        assert_eq!(
            found(cluster, &json!({ "connect_timeout": "0s", "lb_policy": 99 })),
            [
                "connect_timeout: value must be greater than 0ns",
                "lb_policy: value must be one of the defined enum values",
                "name: value length must be at least 1 characters",
            ]
        );
        let assignment = "envoy.config.endpoint.v3.ClusterLoadAssignment";
        assert_eq!(
            found(assignment, &json!({ "cluster_name": "a", "policy": { "overprovisioning_factor": 0 } })),
            ["policy.overprovisioning_factor: value must be greater than 0"]
        );
        let endpoint =
            json!({ "endpoint": { "address": { "socket_address": { "address": "::", "port_value": 70000 } } } });
        let value = json!({ "cluster_name": "a", "endpoints": [{ "lb_endpoints": [endpoint] }] });
        assert_eq!(
            found(assignment, &value),
            [
                "endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value: value must be less than or equal to 65535"
            ]
        );
    }

    #[test]
    fn choices_items_and_messages_in_any_are_checked() {
        let route = "envoy.config.route.v3.RouteConfiguration";
        let value = json!({ "name": "r", "virtual_hosts": [{ "name": "v", "domains": [] }] });
        assert_eq!(found(route, &value), ["virtual_hosts[0].domains: value must contain at least 1 item(s)"]);
        let value =
            json!({ "name": "r", "virtual_hosts": [{ "name": "v", "domains": ["*"], "routes": [{ "match": {} }] }] });
        let lines = found(route, &value);
        assert!(
            lines.iter().any(|line| line.starts_with("virtual_hosts[0].routes[0].match: one of prefix, path,")),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("virtual_hosts[0].routes[0]: one of route, redirect,")),
            "{lines:?}"
        );
        let listener = json!({ "filter_chains": [{ "filters": [{ "name": "x", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster": "c",
        } }] }] });
        assert_eq!(
            found("envoy.config.listener.v3.Listener", &listener),
            ["filter_chains[0].filters[0].typed_config.stat_prefix: value length must be at least 1 characters"]
        );
    }

    #[test]
    fn header_names_are_checked() {
        let name = "envoy.config.core.v3.HeaderValueOption";
        let option = |key: &str| json!({ "header": { "key": key, "value": "a" } });
        assert_eq!(found(name, &option("x-a")), [""; 0]);
        let lines = found(name, &option("x\na"));
        assert_eq!(lines, ["header.key: value is no valid name of a header"]);
        assert_eq!(found(name, &json!({})), ["header: value is required"]);
    }
}

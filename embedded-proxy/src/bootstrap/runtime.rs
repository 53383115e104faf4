//! Static layers of the runtime: `envoy.config.bootstrap.v3.LayeredRuntime`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::proto::{Reader, to_json};

/// Key of the most downstream connections that all listeners together may have.
const MAX_CONNECTIONS: &str = "overload.global_downstream_max_connections";

/// What keys of limits of single listeners begin with.
const LISTENER_LIMIT: &str = "envoy.resource_limits.listener.";

/// Values by dotted key; later layers win.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runtime {
    values: BTreeMap<String, Value>,
    /// Layers in their order: the name, and what they say themselves.
    layers: Vec<(String, BTreeMap<String, Value>)>,
}

impl Runtime {
    /// Reads the layers. What the proxy cannot honour is a defect: layers that change at run time, and keys that stand
    /// for settings it does not look up.
    pub fn read(reader: &Reader<'_>) -> Self {
        let mut runtime = Self::default();
        for layer in reader.list("layers") {
            let mut own = BTreeMap::new();
            match layer.choice("layer_specifier").as_deref() {
                Some("static_layer") => {
                    let Some(fields) = layer.message("static_layer") else { continue };
                    fields.ignore_all();
                    flatten("", &to_json(fields.raw()), &mut own);
                    for key in own.keys().filter(|key| !known(key)) {
                        let sentence =
                            format!("the proxy does not look up the runtime key {key:?}: set the field that names it");
                        layer.defect("static_layer", sentence);
                    }
                }
                // Overrides by `POST /runtime_modify`, of which there are none.
                Some("admin_layer") => layer.ignore(&["admin_layer"]),
                Some("rtds_layer") => {
                    layer.defect("rtds_layer", "the proxy does not have runtime discovery (RTDS): use a static layer");
                }
                Some(other) => layer.defect(other, "the proxy reads the runtime from static layers only"),
                None => layer.defect("", "one of static_layer and admin_layer must be set"),
            }
            runtime.values.extend(own.clone());
            runtime.layers.push((layer.text("name"), own));
        }
        runtime
    }

    /// Names of the layers.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|(name, _)| name.as_str())
    }

    /// What each layer says of a key; none: nothing.
    pub fn in_layers<'r>(&'r self, key: &'r str) -> impl Iterator<Item = Option<&'r Value>> {
        self.layers.iter().map(move |(_, values)| values.get(key))
    }

    /// Most downstream connections of all listeners together.
    pub fn max_connections(&self) -> Option<u64> {
        self.number(MAX_CONNECTIONS)
    }

    /// Most connections of the listener of that name.
    pub fn listener_limit(&self, name: &str) -> Option<u64> {
        self.number(&format!("{LISTENER_LIMIT}{name}.connection_limit"))
    }

    fn number(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::String(text) => text.parse().ok(),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, which is what is meant
            value => value.as_u64().or_else(|| value.as_f64().map(|number| number as u64)),
        }
    }

    /// Key and value, sorted: for `/runtime`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// Switches of Envoy's own code and limits of its regex engine have no counterpart here; the limits of
/// connections are honoured.
fn known(key: &str) -> bool {
    let harmless = ["envoy.reloadable_features.", "envoy.restart_features.", "envoy.deprecated_features", "re2."];
    let listener = key.strip_prefix(LISTENER_LIMIT).is_some_and(|rest| rest.ends_with(".connection_limit"));
    key == MAX_CONNECTIONS || listener || harmless.iter().any(|prefix| key.starts_with(prefix))
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, into);
            }
        }
        value => {
            into.insert(prefix.to_string(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defect, Defects, from_json};

    fn read(layers: &Value) -> Result<Runtime, Vec<Defect>> {
        let message = from_json("envoy.config.bootstrap.v3.LayeredRuntime", &json!({ "layers": layers })).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "layered_runtime", &defects);
        let runtime = Runtime::read(&reader);
        drop(reader);
        defects.verdict(Some(runtime))
    }

    #[test]
    fn later_layers_win_and_nested_keys_are_joined() {
        let runtime = read(&json!([
            { "name": "a", "static_layer": { "overload": { "global_downstream_max_connections": 10 } } },
            { "name": "b", "static_layer": { "overload.global_downstream_max_connections": "20" } },
            { "name": "c", "admin_layer": {} },
        ]));
        assert_eq!(runtime.unwrap().max_connections(), Some(20));
    }

    #[test]
    fn a_listener_may_have_a_limit_of_its_own() {
        let limits = json!({ "envoy.resource_limits.listener.a.b.connection_limit": 7 });
        let runtime = read(&json!([{ "name": "a", "static_layer": limits }])).unwrap();
        assert_eq!((runtime.listener_limit("a.b"), runtime.listener_limit("a")), (Some(7), None));
    }

    #[test]
    fn discovery_and_unknown_keys_are_refused_by_name() {
        let defects = read(&json!([
            { "name": "a", "static_layer": { "health_check.min_interval": 5 } },
            { "name": "b", "rtds_layer": { "name": "r", "rtds_config": { "ads": {} } } },
        ]))
        .unwrap_err();
        let paths: Vec<&str> = defects.iter().map(|defect| defect.path.as_str()).collect();
        assert_eq!(paths, ["layered_runtime.layers[0].static_layer", "layered_runtime.layers[1].rtds_layer"]);
        assert!(defects[0].message.contains("health_check.min_interval"));
    }
}

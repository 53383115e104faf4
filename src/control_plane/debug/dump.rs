//! What one proxy is to have, in the shape of Envoy's own dump.

use serde_json::{Value, json};

use super::pages::short_id;
use crate::control_plane::ads::Ads;
use crate::control_plane::engine::Served;
use crate::xds::{Kind, Resource};

/// The dump of the proxy with this id, or this `POD.NAMESPACE`.
pub fn config_dump(ads: &Ads, proxy: &str) -> Option<Value> {
    let streams = ads.registry().all();
    let served = streams.iter().map(|stream| stream.served.lock().clone());
    let mut served = served.filter(|served| &*served.node.id == proxy || short_id(&served.node.id) == proxy);
    let served = served.next_back()?;
    let of = |kind: Kind, section: &str, list: &str, field: &str| {
        let entries = served.all(kind).map(|resource| entry(kind, resource, field));
        json!({ "@type": format!("type.googleapis.com/envoy.admin.v3.{section}"), list: entries.collect::<Vec<_>>() })
    };
    Some(json!({ "configs": [
        of(Kind::Cluster, "ClustersConfigDump", "dynamic_active_clusters", "cluster"),
        listeners(&served),
        of(Kind::Route, "RoutesConfigDump", "dynamic_route_configs", "route_config"),
        of(Kind::Endpoints, "EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"),
        secrets(&served),
    ] }))
}

fn entry(kind: Kind, resource: &Resource, field: &str) -> Value {
    let origins: Vec<String> = resource.origins.iter().map(ToString::to_string).collect();
    json!({ "version_info": &*resource.version, field: message(kind, resource), "origins": origins })
}

fn listeners(served: &Served) -> Value {
    let one = |resource: &std::sync::Arc<Resource>| json!({ "name": &*resource.name, "active_state": entry(Kind::Listener, resource, "listener") });
    json!({
        "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
        "dynamic_listeners": served.all(Kind::Listener).map(one).collect::<Vec<_>>(),
    })
}

/// Names and versions alone: bodies hold keys.
fn secrets(served: &Served) -> Value {
    let one = |resource: &std::sync::Arc<Resource>| json!({ "name": &*resource.name, "version_info": &*resource.version, "secret": "[redacted]" });
    json!({
        "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
        "dynamic_active_secrets": served.all(Kind::Secret).map(one).collect::<Vec<_>>(),
    })
}

/// The body as JSON, without keys that are written into it.
fn message(kind: Kind, resource: &Resource) -> Value {
    let name = kind.type_url().rsplit('/').next().unwrap_or_default();
    match embedded_proxy::proto::decode(name, &resource.body) {
        Ok(message) => {
            let mut value = embedded_proxy::proto::to_json(&message);
            redact(&mut value);
            if let Some(object) = value.as_object_mut() {
                object.insert("@type".into(), kind.type_url().into());
            }
            value
        }
        Err(error) => json!({ "error": error }),
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let secret = ["private_key", "privateKey", "password", "generic_secret", "session_ticket_keys"];
                if secret.contains(&name.as_str()) {
                    *value = "[redacted]".into();
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let mut value = json!({ "a": [{ "private_key": { "inline_string": "k" }, "b": 1 }] });
        redact(&mut value);
        assert_eq!(value, json!({ "a": [{ "private_key": "[redacted]", "b": 1 }] }));
    }
}

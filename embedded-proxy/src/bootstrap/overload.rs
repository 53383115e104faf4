//! What keeps the proxy from taking more than it can: `envoy.config.overload.v3.OverloadManager`.

use crate::proto::Reader;

const CONNECTIONS: &str = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";

/// Limits of the whole process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overload {
    /// Most downstream connections of all listeners together.
    pub max_connections: Option<u64>,
}

impl Overload {
    /// Reads the message. The limit of connections is honoured; other monitors, and actions, are defects.
    pub fn read(reader: &Reader<'_>) -> Self {
        // Connections are counted as they come, not on a timer.
        reader.ignore(&["refresh_interval"]);
        let mut overload = Self::default();
        for monitor in reader.list("resource_monitors") {
            monitor.ignore(&["name"]); // The type of the configuration decides.
            let Some((name, config)) = monitor.any("typed_config") else { continue };
            if name == CONNECTIONS {
                overload.max_connections = config.number("max_active_downstream_connections");
            } else {
                config.ignore_all();
                monitor.defect("typed_config", format!("the proxy does not have the resource monitor {name}"));
            }
        }
        overload
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{from_json, read_checked};

    #[test]
    fn the_limit_of_connections_is_read_and_the_rest_is_named() {
        let read = |value: &serde_json::Value| {
            let message = from_json("envoy.config.overload.v3.OverloadManager", value).unwrap();
            read_checked(message, "overload_manager", |reader| Some(Overload::read(reader)))
        };
        let connections = json!({"name": "c", "typed_config": {
            "@type": format!("type.googleapis.com/{CONNECTIONS}"), "max_active_downstream_connections": 9,
        }});
        assert_eq!(read(&json!({"resource_monitors": [connections]})).unwrap().max_connections, Some(9));
        let action = json!({"name": "a", "triggers": [{"name": "c", "threshold": {"value": 1}}]});
        let defects = read(&json!({"resource_monitors": [connections], "actions": [action]})).unwrap_err();
        assert_eq!(defects[0].path, "overload_manager.actions");
    }
}

//! Identity of this proxy towards a control plane.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::proto::{Reader, to_json};

/// `envoy.config.core.v3.Node`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Id.
    pub id: String,
    /// Service cluster.
    pub cluster: String,
    /// Metadata.
    pub metadata: BTreeMap<String, Value>,
    /// Region, zone and sub-zone.
    pub locality: (String, String, String),
}

impl Node {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Self {
        // What a client says about itself: the proxy says its own name and version when it connects.
        reader.ignore(&["user_agent_name", "user_agent_version", "user_agent_build_version"]);
        // Hints that only a control plane reads; `dynamic_parameters` exists for xdstp names, which are refused there.
        reader.ignore(&["extensions", "client_features", "listening_addresses", "dynamic_parameters"]);
        let metadata = reader.message("metadata").map(|metadata| {
            metadata.ignore_all();
            to_json(metadata.raw())
        });
        let metadata = match metadata {
            Some(Value::Object(fields)) => fields.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        let locality = reader.message("locality").map_or_else(Default::default, |locality| {
            (locality.text("region"), locality.text("zone"), locality.text("sub_zone"))
        });
        Self { id: reader.text("id"), cluster: reader.text("cluster"), metadata, locality }
    }

    /// The message as protobuf JSON, with the name of this program: what is sent to control planes and shown in dumps.
    pub fn to_json(&self) -> Value {
        let (region, zone, sub_zone) = &self.locality;
        json!({
            "id": self.id,
            "cluster": self.cluster,
            "metadata": self.metadata,
            "locality": { "region": region, "zone": zone, "sub_zone": sub_zone },
            "user_agent_name": "meshctl",
            "user_agent_version": env!("CARGO_PKG_VERSION"),
        })
    }
}

//! Identity of this proxy towards a control plane.

use std::collections::BTreeMap;

use serde_json::Value;

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

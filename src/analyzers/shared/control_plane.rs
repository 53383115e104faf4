//! Namespaces and objects that belong to Kubernetes or to the mesh itself: findings about users' workloads skip them.

use crate::dialects::object::Meta;
use crate::schema::{Map, Text};

/// True for the namespaces of Kubernetes itself.
pub fn is_system_namespace(name: &str) -> bool {
    matches!(name, "kube-system" | "kube-public" | "kube-node-lease" | "local-path-storage")
}

/// True for objects of Istio's own installation, which carry the label `istio` or `release: istio`.
pub fn is_control_plane(meta: &Meta) -> bool {
    has_istio_label(&meta.labels)
}

/// The same for any labels.
pub fn has_istio_label(labels: &Map<Text>) -> bool {
    labels.get("istio").is_some() || labels.text("release") == Some("istio")
}

/// True for what a gateway controller generates and manages.
pub fn is_managed_gateway(meta: &Meta) -> bool {
    meta.labels.get("gateway.istio.io/managed").is_some()
}

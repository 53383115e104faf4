//! How objects of the Gateway API name each other.

use super::filter::RouteFilter;
use crate::message;
use crate::schema::{Int, List, Text};

message! {
    /// What a route is attached to.
    pub struct ParentReference {
        /// API group; `gateway.networking.k8s.io` when not set.
        group: Option<Text> = "group",
        /// Kind; `Gateway` when not set.
        kind: Option<Text> = "kind",
        /// Namespace; the route's own when not set.
        namespace: Option<Text> = "namespace",
        /// Name.
        name: Option<Text> = "name",
        /// Listener of the gateway.
        section_name: Option<Text> = "sectionName",
        /// Port of the listener or Service.
        port: Option<Int> = "port",
    }
}

message! {
    /// An object, by default in the same namespace.
    pub struct ObjectReference {
        /// API group; empty for the core group.
        group: Option<Text> = "group",
        /// Kind.
        kind: Option<Text> = "kind",
        /// Name.
        name: Option<Text> = "name",
        /// Namespace.
        namespace: Option<Text> = "namespace",
        /// Part of the object.
        section_name: Option<Text> = "sectionName",
        /// Port of a Service, where one is meant.
        port: Option<Int> = "port",
    }
}

message! {
    /// One weighted target of a rule.
    pub struct BackendReference {
        /// API group; empty for Services.
        group: Option<Text> = "group",
        /// Kind; `Service` when not set.
        kind: Option<Text> = "kind",
        /// Name.
        name: Option<Text> = "name",
        /// Namespace; the route's own when not set.
        namespace: Option<Text> = "namespace",
        /// Port of the Service.
        port: Option<Int> = "port",
        /// Share; 1 when not set.
        weight: Option<Int> = "weight",
        /// What is changed for this target alone.
        filters: List<RouteFilter> = "filters",
    }
}

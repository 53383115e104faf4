//! HTTPRoute and GRPCRoute.

use crate::message;
use crate::schema::{Any, Int, List, Text};

message! {
    /// Rules for HTTP requests to some hosts of some gateways.
    pub open struct HttpRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// Hosts; those of the listeners when empty.
        hostnames: List<Text> = "hostnames",
        /// Rules, the most specific match wins.
        rules: List<RouteRule> = "rules",
    }
}

message! {
    /// Rules for gRPC calls to some hosts of some gateways.
    pub open struct GrpcRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// Hosts; those of the listeners when empty.
        hostnames: List<Text> = "hostnames",
        /// Rules, the most specific match wins.
        rules: List<RouteRule> = "rules",
    }
}

message! {
    /// What a route is attached to.
    pub open struct ParentReference {
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
    /// One rule of a route.
    pub open struct RouteRule {
        /// Which requests.
        matches: List<Any> = "matches",
        /// What is changed on the way.
        filters: List<Any> = "filters",
        /// Where they go.
        backend_refs: List<BackendReference> = "backendRefs",
        /// Time limits.
        timeouts: Option<Any> = "timeouts",
    }
}

message! {
    /// One weighted target of a rule.
    pub open struct BackendReference {
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
    }
}

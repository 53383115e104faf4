//! GRPCRoute.

use super::filter::RouteFilter;
use super::http_route::SessionPersistence;
use super::matching::{GrpcMethodMatch, NamedValueMatch};
use super::reference::{BackendReference, ParentReference};
use crate::message;
use crate::schema::{List, Text};

message! {
    /// Rules for gRPC calls to some hosts of some gateways, or to Services.
    pub struct GrpcRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// Hosts; those of the listeners when empty.
        hostnames: List<Text> = "hostnames",
        /// Rules, the most specific match wins.
        rules: List<GrpcRouteRule> = "rules",
        /// Which default gateways also serve it.
        use_default_gateways: Option<Text> = "useDefaultGateways",
    }
}

message! {
    /// One rule of a GRPCRoute.
    pub struct GrpcRouteRule {
        /// Its name.
        name: Option<Text> = "name",
        /// Which calls: those that fit one of these; all without any.
        matches: List<GrpcRouteMatch> = "matches",
        /// What is changed on the way.
        filters: List<RouteFilter> = "filters",
        /// Where they go.
        backend_refs: List<BackendReference> = "backendRefs",
        /// Calls of a session stay with one endpoint.
        session_persistence: Option<SessionPersistence> = "sessionPersistence",
    }
}

message! {
    /// Conditions that must all hold.
    pub struct GrpcRouteMatch {
        /// Service and method.
        method: Option<GrpcMethodMatch> = "method",
        /// Metadata.
        headers: List<NamedValueMatch> = "headers",
    }
}

//! TLSRoute and TCPRoute.

use super::reference::{BackendReference, ParentReference};
use crate::message;
use crate::schema::{List, Text};

message! {
    /// Rules for TLS connections by server name.
    pub struct TlsRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// Server names; those of the listeners when empty.
        hostnames: List<Text> = "hostnames",
        /// The rule.
        rules: List<L4RouteRule> = "rules",
        /// Which default gateways also serve it.
        use_default_gateways: Option<Text> = "useDefaultGateways",
    }
}

message! {
    /// Rules for TCP connections.
    pub struct TcpRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// The rule.
        rules: List<L4RouteRule> = "rules",
        /// Which default gateways also serve it.
        use_default_gateways: Option<Text> = "useDefaultGateways",
    }
}

message! {
    /// Where connections go.
    pub struct L4RouteRule {
        /// Its name.
        name: Option<Text> = "name",
        /// Targets.
        backend_refs: List<BackendReference> = "backendRefs",
    }
}

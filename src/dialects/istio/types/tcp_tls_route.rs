//! TCP and TLS routes of a VirtualService.

use super::rules::{INT32, UINT32};
use super::virtual_service::Destination;
use crate::message;
use crate::schema::{Int, List, Map, Text};

message! {
    /// One route of opaque connections.
    pub struct TcpRoute {
        /// Conditions, of which one must hold; none means every connection.
        r#match: List<L4MatchAttributes> = "match",
        /// Where the connections go, by weight.
        route: List<RouteDestination> = "route",
    }
}

message! {
    /// Conditions of a TCP route that must all hold.
    pub struct L4MatchAttributes {
        /// Addresses that the caller connected to.
        destination_subnets: List<Text> = "destinationSubnets",
        /// Port that the caller connected to.
        port: Option<Int> = "port" [UINT32],
        /// Address of the caller; not implemented.
        source_subnet: Option<Text> = "sourceSubnet",
        /// Labels of the calling workload.
        source_labels: Map<Text> = "sourceLabels",
        /// Gateways for which the condition holds.
        gateways: List<Text> = "gateways",
        /// Namespace of the calling workload.
        source_namespace: Option<Text> = "sourceNamespace",
    }
}

message! {
    /// One route of TLS connections that are not terminated.
    pub struct TlsRoute {
        /// Conditions, of which one must hold.
        r#match: List<TlsMatchAttributes> = "match" [Required],
        /// Where the connections go, by weight.
        route: List<RouteDestination> = "route",
    }
}

message! {
    /// Conditions of a TLS route that must all hold.
    pub struct TlsMatchAttributes {
        /// Server names of the handshake; each must lie within the hosts of the VirtualService.
        sni_hosts: List<Text> = "sniHosts" [Required],
        /// Addresses that the caller connected to.
        destination_subnets: List<Text> = "destinationSubnets",
        /// Port that the caller connected to.
        port: Option<Int> = "port" [UINT32],
        /// Labels of the calling workload.
        source_labels: Map<Text> = "sourceLabels",
        /// Gateways for which the condition holds.
        gateways: List<Text> = "gateways",
        /// Namespace of the calling workload.
        source_namespace: Option<Text> = "sourceNamespace",
    }
}

message! {
    /// One weighted target of a TCP or TLS route.
    pub struct RouteDestination {
        /// The target.
        destination: Option<Destination> = "destination" [Required],
        /// Its share among the targets of the route.
        weight: Option<Int> = "weight" [INT32],
    }
}

//! MeshNetworks: which endpoints can reach each other directly, and the gateways between networks.

use crate::message;
use crate::schema::{Int, List, Map, Text};

message! {
    /// Networks of the mesh.
    pub struct MeshNetworks {
        /// Networks by name.
        networks: Map<Network> = "networks",
    }
}

message! {
    /// Endpoints that reach each other directly.
    pub struct Network {
        /// Its endpoints.
        endpoints: List<NetworkEndpoints> = "endpoints",
        /// Gateways through which other networks reach it.
        gateways: List<NetworkGateway> = "gateways",
    }
}

message! {
    /// Some endpoints of a network.
    pub struct NetworkEndpoints {
        /// By address.
        from_cidr: Option<Text> = "fromCidr",
        /// All of a registry: a cluster by its name.
        from_registry: Option<Text> = "fromRegistry",
    }
    rules [AtMostOne(&["fromCidr", "fromRegistry"])]
}

message! {
    /// A gateway of a network.
    pub struct NetworkGateway {
        /// The gateway's Service by its full name.
        registry_service_name: Option<Text> = "registryServiceName",
        /// The gateway by address.
        address: Option<Text> = "address",
        /// Its port.
        port: Option<Int> = "port",
        /// Its locality.
        locality: Option<Text> = "locality",
    }
    rules [AtMostOne(&["registryServiceName", "address"])]
}

//! Gateway: the listeners of a proxy at the edge of the mesh.

use super::port::Port;
use super::server_tls::ServerTlsSettings;
use crate::message;
use crate::schema::{List, Map, Text};

message! {
    /// Ports that gateway pods listen on, and the hosts that they take there.
    pub struct Gateway {
        /// Listeners.
        servers: List<Server> = "servers",
        /// Labels of the gateway pods, in every namespace that istiod looks at.
        selector: Map<Text> = "selector",
    }
}

message! {
    /// One listener with its hosts.
    pub struct Server {
        /// The port.
        port: Option<Port> = "port" [Required],
        /// Address or `unix://` path to listen on instead of all addresses.
        bind: Option<Text> = "bind",
        /// Host names taken here; `namespace/` in front limits whose VirtualServices may use them.
        hosts: List<Text> = "hosts" [Required],
        /// Certificates, and what plain HTTP gets.
        tls: Option<Box<ServerTlsSettings>> = "tls",
        /// No longer used.
        default_endpoint: Option<Text> = "defaultEndpoint",
        /// A name, unique among all servers.
        name: Option<Text> = "name",
    }
}

//! VirtualService: hosts, gateways and the three lists of routes.

use super::http_route::HttpRoute;
use super::port::PortSelector;
use super::tcp_tls_route::{TcpRoute, TlsRoute};
use crate::message;
use crate::schema::{List, Text};

message! {
    /// Routing of requests and connections to a set of hosts.
    pub struct VirtualService {
        /// Host names that the routes are for; none for a delegate VirtualService.
        hosts: List<Text> = "hosts",
        /// Gateways (and `mesh` for the sidecars) that take the routes; only `mesh` when empty.
        gateways: List<Text> = "gateways",
        /// Routes of HTTP traffic, first match wins.
        http: List<HttpRoute> = "http",
        /// Routes of TLS connections that are passed through, by SNI.
        tls: List<TlsRoute> = "tls",
        /// Routes of opaque TCP connections.
        tcp: List<TcpRoute> = "tcp",
        /// Namespaces that see the routes; all when empty.
        export_to: List<Text> = "exportTo",
    }
}

message! {
    /// A service, or a part of it.
    pub struct Destination {
        /// Host of the service; a short name is completed with the VirtualService's namespace.
        host: Option<Text> = "host" [Required],
        /// Subset that a DestinationRule of the host defines.
        subset: Option<Text> = "subset",
        /// Port of the service; needed when it has several.
        port: Option<PortSelector> = "port",
    }
}

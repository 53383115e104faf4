//! VirtualService.

use crate::message;
use crate::schema::{At, Int, List, Period, Text};

message! {
    /// Routing of requests to a set of hosts.
    pub struct VirtualService {
        /// Host names that the routes are for.
        hosts: List<Text> = "hosts",
        /// Gateways (and `mesh` for sidecars) that take the routes.
        gateways: List<Text> = "gateways",
        /// Routes of HTTP traffic, first match wins.
        http: List<HttpRoute> = "http",
    }
}

message! {
    /// One HTTP route.
    pub struct HttpRoute {
        /// Name, for logs.
        name: Option<Text> = "name",
        /// Where matching requests go.
        route: List<HttpRouteDestination> = "route",
        /// Time a request may take, retries included.
        timeout: Option<At<Period>> = "timeout",
    }
}

message! {
    /// One weighted target of a route.
    pub struct HttpRouteDestination {
        /// The target.
        destination: Option<Destination> = "destination" [Required],
        /// Its share.
        weight: Option<Int> = "weight",
    }
}

message! {
    /// A service, or a part of it.
    pub struct Destination {
        /// Host of the service.
        host: Option<Text> = "host" [Required],
        /// Subset of a DestinationRule.
        subset: Option<Text> = "subset",
        /// Port of the service.
        port: Option<PortSelector> = "port",
    }
}

message! {
    /// A port by number.
    pub struct PortSelector {
        /// Number.
        number: Option<Int> = "number" [Range(0.0, 4294967295.0)],
    }
}

//! Which parts of a proxy's configuration a patch of an EnvoyFilter is for.

use super::rules::{PORT, UINT32, set};
use crate::manifests::tree::Node;
use crate::schema::{At, Int, Map, Text};
use crate::{choice, message};

message! {
    /// Which parts of which proxies' configuration are meant.
    pub struct EnvoyConfigObjectMatch {
        /// Direction of traffic, or kind of proxy.
        context: Option<At<PatchContext>> = "context",
        /// Proxies by version and metadata.
        proxy: Option<ProxyMatch> = "proxy",
        /// Listeners and their filters.
        listener: Option<ListenerMatch> = "listener",
        /// Route configurations, their virtual hosts and routes.
        route_configuration: Option<RouteConfigurationMatch> = "routeConfiguration",
        /// Clusters.
        cluster: Option<ClusterMatch> = "cluster",
        /// Filters and routes of a waypoint.
        waypoint: Option<WaypointMatch> = "waypoint",
    } rules [
        AtMostOne(&["listener", "routeConfiguration", "cluster", "waypoint"]),
        Cel(
            r#"has(self.context) ? ((self.context == "WAYPOINT") ? has(self.waypoint) : !has(self.waypoint)) : !has(self.waypoint)"#,
            "`context: WAYPOINT` and a `waypoint` match belong together: neither goes without the other",
            |node| (node.get("context").and_then(Node::as_str) == Some("WAYPOINT")) == set(node, "waypoint"),
        ),
    ]
}

message! {
    /// Proxies by version and metadata.
    pub struct ProxyMatch {
        /// Regular expression over the proxy's version.
        proxy_version: Option<Text> = "proxyVersion",
        /// Metadata that the proxy sends when it connects.
        metadata: Map<Text> = "metadata",
    }
}

message! {
    /// Listeners and their filters.
    pub struct ListenerMatch {
        /// Port of the service or gateway.
        port_number: Option<Int> = "portNumber" [UINT32],
        /// No longer used.
        port_name: Option<Text> = "portName",
        /// A filter chain of the listener.
        filter_chain: Option<FilterChainMatch> = "filterChain",
        /// A listener filter.
        listener_filter: Option<Text> = "listenerFilter",
        /// The listener's name.
        name: Option<Text> = "name",
    }
}

message! {
    /// A filter chain of a listener.
    pub struct FilterChainMatch {
        /// Its name.
        name: Option<Text> = "name",
        /// Its server name.
        sni: Option<Text> = "sni",
        /// Its transport protocol: raw_buffer or tls.
        transport_protocol: Option<Text> = "transportProtocol",
        /// Its application protocols, separated by commas.
        application_protocols: Option<Text> = "applicationProtocols",
        /// A network filter in it.
        filter: Option<FilterMatch> = "filter",
        /// Its destination port.
        destination_port: Option<Int> = "destinationPort" [UINT32],
    }
}

message! {
    /// A filter.
    pub struct FilterMatch {
        /// Its name.
        name: Option<Text> = "name",
        /// A filter within it: an HTTP filter of the HTTP connection manager.
        sub_filter: Option<SubFilterMatch> = "subFilter",
    }
}

message! {
    /// A filter within a filter.
    pub struct SubFilterMatch {
        /// Its name.
        name: Option<Text> = "name",
    }
}

message! {
    /// Route configurations, their virtual hosts and routes.
    pub struct RouteConfigurationMatch {
        /// Port of the service or gateway server.
        port_number: Option<Int> = "portNumber" [UINT32],
        /// Name of the gateway server's port.
        port_name: Option<Text> = "portName",
        /// The Gateway, as `namespace/name`.
        gateway: Option<Text> = "gateway",
        /// A virtual host.
        vhost: Option<VirtualHostMatch> = "vhost",
        /// The route configuration's name.
        name: Option<Text> = "name",
    }
}

message! {
    /// A virtual host of a route configuration.
    pub struct VirtualHostMatch {
        /// Its name: `host:port`.
        name: Option<Text> = "name",
        /// A domain of it.
        domain_name: Option<Text> = "domainName",
        /// A route in it.
        route: Option<RouteMatch> = "route",
    }
}

message! {
    /// A route of a virtual host.
    pub struct RouteMatch {
        /// Its name.
        name: Option<Text> = "name",
        /// What it does.
        action: Option<At<RouteAction>> = "action",
    }
}

message! {
    /// Clusters.
    pub struct ClusterMatch {
        /// Port of the service.
        port_number: Option<Int> = "portNumber" [UINT32],
        /// The service, by its full name.
        service: Option<Text> = "service",
        /// The subset.
        subset: Option<Text> = "subset",
        /// The cluster's name.
        name: Option<Text> = "name",
    }
}

message! {
    /// Filters and routes of a waypoint.
    pub struct WaypointMatch {
        /// A filter.
        filter: Option<FilterMatch> = "filter",
        /// Port of the service.
        port_number: Option<Int> = "portNumber" [PORT],
        /// A route.
        route: Option<WaypointRouteMatch> = "route",
    }
}

message! {
    /// A route of a waypoint.
    pub struct WaypointRouteMatch {
        /// Its name.
        name: Option<Text> = "name",
    }
}

choice! {
    /// Direction of traffic, or kind of proxy.
    pub enum PatchContext {
        /// All.
        Any = "ANY",
        /// Sidecars, traffic to the workload.
        SidecarInbound = "SIDECAR_INBOUND",
        /// Sidecars, traffic from the workload.
        SidecarOutbound = "SIDECAR_OUTBOUND",
        /// Gateways.
        Gateway = "GATEWAY",
        /// Waypoints.
        Waypoint = "WAYPOINT",
    }
}

choice! {
    /// What a route does.
    pub enum RouteAction {
        /// Anything.
        Any = "ANY",
        /// Forwards.
        Route = "ROUTE",
        /// Redirects.
        Redirect = "REDIRECT",
        /// Answers itself.
        DirectResponse = "DIRECT_RESPONSE",
    }
}

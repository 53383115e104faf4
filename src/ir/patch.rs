//! Patches of the generated configuration, for what the model has no words for.

use super::{Name, Origin, Scope};

/// A change of generated resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose proxies.
    pub scope: Scope,
    /// Lower ones come first; of equals those of the root of the mesh, then the older.
    pub priority: i32,
    /// What is changed.
    pub target: PatchTarget,
    /// Which of them; conditions by the names of [`PatchMatch`].
    pub matches: PatchMatch,
    /// How.
    pub operation: PatchOperation,
    /// The value, in protobuf's JSON form.
    pub value: serde_json::Value,
}

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatchTarget {
    /// A listener.
    Listener,
    /// A filter chain of a listener.
    FilterChain,
    /// A listener filter.
    ListenerFilter,
    /// A network filter of a chain.
    NetworkFilter,
    /// An HTTP filter of a connection manager.
    HttpFilter,
    /// A route configuration.
    RouteConfiguration,
    /// A virtual host.
    VirtualHost,
    /// A route.
    HttpRoute,
    /// A cluster.
    Cluster,
    /// An extension configuration.
    ExtensionConfig,
}

/// How it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatchOperation {
    /// Fields are merged, lists grow.
    Merge,
    /// Added at the end (of whole resources: added).
    Add,
    /// Taken away.
    Remove,
    /// Before what matches.
    InsertBefore,
    /// After what matches.
    InsertAfter,
    /// At the beginning.
    InsertFirst,
    /// In place of what matches.
    Replace,
}

/// Where a proxy stands in traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PatchContext {
    /// Anywhere.
    #[default]
    Any,
    /// Outbound side of a sidecar.
    Outbound,
    /// Inbound side of a sidecar.
    Inbound,
    /// A gateway.
    Gateway,
}

/// Conditions of a patch; what is not set holds always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatchMatch {
    /// Side.
    pub context: PatchContext,
    /// RE2 over the whole version of the proxy.
    pub proxy_version: Option<Name>,
    /// Metadata of the proxy.
    pub proxy_metadata: Vec<(Name, Name)>,
    /// Name of the listener.
    pub listener: Option<Name>,
    /// Port of the listener, or of the service of a cluster or route configuration.
    pub port: Option<u16>,
    /// Name of the filter chain.
    pub chain: Option<Name>,
    /// Server name of the filter chain.
    pub server_name: Option<Name>,
    /// Transport protocol of the filter chain.
    pub transport_protocol: Option<Name>,
    /// Application protocols of the filter chain, with commas.
    pub application_protocols: Option<Name>,
    /// Destination port of the filter chain.
    pub destination_port: Option<u16>,
    /// Network filter.
    pub filter: Option<Name>,
    /// HTTP filter within it.
    pub sub_filter: Option<Name>,
    /// Listener filter.
    pub listener_filter: Option<Name>,
    /// Name of the route configuration.
    pub route_configuration: Option<Name>,
    /// Name of the port of a gateway's route configuration.
    pub port_name: Option<Name>,
    /// `NAMESPACE/NAME` of the gateway.
    pub gateway: Option<Name>,
    /// Name of the virtual host.
    pub virtual_host: Option<Name>,
    /// Name of the route.
    pub route: Option<Name>,
    /// Action of the route: `ROUTE`, `REDIRECT`, `DIRECT_RESPONSE`.
    pub route_action: Option<Name>,
    /// Name of the cluster.
    pub cluster: Option<Name>,
    /// Service of the cluster.
    pub service: Option<Name>,
    /// Subset of the cluster.
    pub subset: Option<Name>,
}

//! The kinds of resources that a control plane delivers.

/// A kind of resource. The order is the one in which first requests are sent and updates are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Clusters (CDS).
    Cluster,
    /// Endpoints (EDS).
    Endpoint,
    /// Listeners (LDS).
    Listener,
    /// Scopes of route tables (SRDS).
    Scope,
    /// Route tables (RDS).
    Route,
    /// Certificates and roots (SDS).
    Secret,
    /// Configurations of HTTP filters (ECDS).
    Extension,
}

impl Kind {
    /// All kinds, in the order in which they are asked for.
    pub const ALL: [Self; 7] =
        [Self::Cluster, Self::Endpoint, Self::Listener, Self::Scope, Self::Route, Self::Secret, Self::Extension];

    /// Full name of the message.
    pub fn message(self) -> &'static str {
        match self {
            Self::Cluster => "envoy.config.cluster.v3.Cluster",
            Self::Endpoint => "envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "envoy.config.listener.v3.Listener",
            Self::Scope => "envoy.config.route.v3.ScopedRouteConfiguration",
            Self::Route => "envoy.config.route.v3.RouteConfiguration",
            Self::Secret => "envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Extension => "envoy.config.core.v3.TypedExtensionConfig",
        }
    }

    /// Type URL, as requests and dumps have it.
    pub fn url(self) -> String {
        format!("type.googleapis.com/{}", self.message())
    }

    /// The kind of a type URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let name = url.rsplit('/').next().unwrap_or_default();
        Self::ALL.into_iter().find(|kind| kind.message() == name)
    }

    /// Whether what is gone goes before what is new comes: it may have its address or its key.
    pub fn goes_first(self) -> bool {
        matches!(self, Self::Listener | Self::Scope)
    }

    /// Whether a response (of the state of the world) holds all there is: what it leaves out is removed.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener | Self::Scope)
    }
}

//! What the two variants of the protocol have in common, for the stream that carries them.

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};

use super::Kind;
use super::delivered::{InUse, Take, Wanted};
use super::delta::Delta;
use super::sotw::Sotw;

/// An answer that was taken: whether it was accepted, and the request that says so.
pub(super) struct Taken<R> {
    pub kind: Kind,
    pub version: String,
    /// The sentence of the NACK.
    pub refused: Option<String>,
    pub request: R,
}

/// One variant of the protocol, without I/O.
pub(super) trait Protocol: Send + 'static {
    type Request: prost::Message + Default + Send + 'static;
    type Response: prost::Message + Default + Send + 'static;

    fn new(node: Option<Node>) -> Self;

    /// A new stream begins.
    fn connected(&mut self);

    /// The request that tells what is wanted now, if that is not what was asked for last.
    fn want(&mut self, kind: Kind, wanted: &Wanted) -> Option<Self::Request>;

    /// Takes a response. None: nobody asked for its kind.
    fn receive(&mut self, response: Self::Response, taker: &mut dyn Take) -> Option<Taken<Self::Request>>;

    /// What is in use, by kind.
    fn in_use(&mut self) -> Vec<(Kind, &mut InUse)>;

    /// Type URL and name of the control plane that a response shows.
    fn describe(response: &Self::Response) -> (&str, &str);

    /// Path of the method; none is the aggregated one.
    fn path(kind: Option<Kind>) -> &'static str;
}

impl Protocol for Sotw {
    type Request = DiscoveryRequest;
    type Response = DiscoveryResponse;

    fn new(node: Option<Node>) -> Self {
        Self::new(node)
    }

    fn connected(&mut self) {
        self.connected();
    }

    fn want(&mut self, kind: Kind, wanted: &Wanted) -> Option<DiscoveryRequest> {
        self.want(kind, wanted)
    }

    fn receive(&mut self, response: DiscoveryResponse, taker: &mut dyn Take) -> Option<Taken<DiscoveryRequest>> {
        let version = response.version_info.clone();
        let (kind, request) = self.receive(response, taker)?;
        let refused = request.error_detail.as_ref().map(|status| status.message.clone());
        Some(Taken { kind, version, refused, request })
    }

    fn in_use(&mut self) -> Vec<(Kind, &mut InUse)> {
        self.in_use().collect()
    }

    fn describe(response: &DiscoveryResponse) -> (&str, &str) {
        (&response.type_url, response.control_plane.as_ref().map_or("", |plane| &plane.identifier))
    }

    fn path(kind: Option<Kind>) -> &'static str {
        match kind {
            None => "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
            Some(Kind::Cluster) => "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters",
            Some(Kind::Endpoint) => "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints",
            Some(Kind::Listener) => "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners",
            Some(Kind::Scope) => "/envoy.service.route.v3.ScopedRoutesDiscoveryService/StreamScopedRoutes",
            Some(Kind::Route) => "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes",
            Some(Kind::Secret) => "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
            Some(Kind::Extension) => {
                "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs"
            }
        }
    }
}

impl Protocol for Delta {
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaDiscoveryResponse;

    fn new(node: Option<Node>) -> Self {
        Self::new(node)
    }

    fn connected(&mut self) {
        self.connected();
    }

    fn want(&mut self, kind: Kind, wanted: &Wanted) -> Option<DeltaDiscoveryRequest> {
        self.want(kind, wanted)
    }

    fn receive(
        &mut self,
        response: DeltaDiscoveryResponse,
        taker: &mut dyn Take,
    ) -> Option<Taken<DeltaDiscoveryRequest>> {
        let version = response.system_version_info.clone();
        let (kind, request) = self.receive(response, taker)?;
        let refused = request.error_detail.as_ref().map(|status| status.message.clone());
        Some(Taken { kind, version, refused, request })
    }

    fn in_use(&mut self) -> Vec<(Kind, &mut InUse)> {
        self.in_use().collect()
    }

    fn describe(response: &DeltaDiscoveryResponse) -> (&str, &str) {
        (&response.type_url, response.control_plane.as_ref().map_or("", |plane| &plane.identifier))
    }

    fn path(kind: Option<Kind>) -> &'static str {
        match kind {
            None => "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
            Some(Kind::Cluster) => "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters",
            Some(Kind::Endpoint) => "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints",
            Some(Kind::Listener) => "/envoy.service.listener.v3.ListenerDiscoveryService/DeltaListeners",
            Some(Kind::Scope) => "/envoy.service.route.v3.ScopedRoutesDiscoveryService/DeltaScopedRoutes",
            Some(Kind::Route) => "/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes",
            Some(Kind::Secret) => "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets",
            Some(Kind::Extension) => {
                "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs"
            }
        }
    }
}

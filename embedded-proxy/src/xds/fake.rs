//! A control plane for tests: it shows each stream to the test, which answers by hand.

use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Resource,
};
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use super::Kind;
use crate::proto::from_json;

/// Longest time that a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(20);

type Sender<T> = mpsc::UnboundedSender<Result<T, Status>>;

/// A stream as the control plane sees it.
pub(crate) struct Stream<Q, S> {
    requests: Streaming<Q>,
    responses: Sender<S>,
    pub token: Option<String>,
}

impl<Q, S> Stream<Q, S> {
    /// The next request.
    pub async fn request(&mut self) -> Q {
        let next = tokio::time::timeout(PATIENCE, self.requests.message()).await;
        next.expect("a request comes in time").expect("the stream is well").expect("the stream goes on")
    }

    pub fn respond(&self, response: S) {
        self.responses.send(Ok(response)).expect("the stream is there");
    }
}

impl Stream<DiscoveryRequest, DiscoveryResponse> {
    /// The next request for a kind; others are passed over.
    pub async fn about(&mut self, kind: Kind) -> DiscoveryRequest {
        loop {
            let request = self.request().await;
            if request.type_url == kind.url() {
                return request;
            }
        }
    }
}

impl Stream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
    /// The next request for a kind; others are passed over.
    pub async fn about(&mut self, kind: Kind) -> DeltaDiscoveryRequest {
        loop {
            let request = self.request().await;
            if request.type_url == kind.url() {
                return request;
            }
        }
    }
}

struct Service {
    whole: mpsc::UnboundedSender<Stream<DiscoveryRequest, DiscoveryResponse>>,
    delta: mpsc::UnboundedSender<Stream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>>,
}

fn accept<Q, S>(
    request: Request<Streaming<Q>>,
    to: &mpsc::UnboundedSender<Stream<Q, S>>,
) -> Response<UnboundedReceiverStream<Result<S, Status>>> {
    let (responses, outgoing) = mpsc::unbounded_channel();
    let token = request.metadata().get("authorization").and_then(|token| token.to_str().ok()).map(str::to_string);
    let _ = to.send(Stream { requests: request.into_inner(), responses, token });
    Response::new(UnboundedReceiverStream::new(outgoing))
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Service {
    type StreamAggregatedResourcesStream = UnboundedReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = UnboundedReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(accept(request, &self.whole))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Ok(accept(request, &self.delta))
    }
}

/// The control plane.
pub(crate) struct ControlPlane {
    pub address: SocketAddr,
    whole: mpsc::UnboundedReceiver<Stream<DiscoveryRequest, DiscoveryResponse>>,
    delta: mpsc::UnboundedReceiver<Stream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>>,
    /// Its own, so that all connections end with it.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl ControlPlane {
    /// Starts one on an address; port 0 is any.
    pub fn start(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // One that ended a moment ago may still have it.
        while socket.bind(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let (whole_in, whole) = mpsc::unbounded_channel();
        let (delta_in, delta) = mpsc::unbounded_channel();
        let service = AggregatedDiscoveryServiceServer::new(Service { whole: whole_in, delta: delta_in });
        runtime.spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        drop(entered);
        Self { address, whole, delta, runtime: Some(runtime) }
    }

    pub async fn stream(&mut self) -> Stream<DiscoveryRequest, DiscoveryResponse> {
        tokio::time::timeout(PATIENCE, self.whole.recv()).await.expect("a stream comes in time").unwrap()
    }

    pub async fn delta_stream(&mut self) -> Stream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
        tokio::time::timeout(PATIENCE, self.delta.recv()).await.expect("a stream comes in time").unwrap()
    }
}

/// A resource from JSON.
pub(crate) fn any(kind: Kind, resource: &Value) -> Any {
    Any { type_url: kind.url(), value: from_json(kind.message(), resource).unwrap().encode_to_vec() }
}

/// A whole response.
pub(crate) fn whole(kind: Kind, version: &str, resources: &[Value]) -> DiscoveryResponse {
    DiscoveryResponse {
        version_info: version.into(),
        nonce: format!("nonce-{version}"),
        type_url: kind.url(),
        resources: resources.iter().map(|resource| any(kind, resource)).collect(),
        ..DiscoveryResponse::default()
    }
}

/// A delta response with resources by name.
pub(crate) fn changed(
    kind: Kind,
    nonce: &str,
    resources: &[(&str, &Value)],
    removed: &[&str],
) -> DeltaDiscoveryResponse {
    let wrap = |(name, resource): &(&str, &Value)| Resource {
        name: (*name).into(),
        version: nonce.into(),
        resource: Some(any(kind, resource)),
        ..Resource::default()
    };
    DeltaDiscoveryResponse {
        nonce: nonce.into(),
        type_url: kind.url(),
        resources: resources.iter().map(wrap).collect(),
        removed_resources: removed.iter().map(ToString::to_string).collect(),
        ..DeltaDiscoveryResponse::default()
    }
}

pub(crate) fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// A bootstrap that gets everything from a control plane.
pub(crate) fn bootstrap(control_plane: SocketAddr, api_type: &str) -> Value {
    let http2 = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} },
    } });
    json!({
        "node": { "id": "sidecar~1", "cluster": "shop", "metadata": { "NAMESPACE": "blue" } },
        "dynamic_resources": {
            "ads_config": { "api_type": api_type, "transport_api_version": "V3", "grpc_services": [{
                "envoy_grpc": { "cluster_name": "control" },
                "initial_metadata": [{ "key": "authorization", "value": "Bearer letmein" }],
            }] },
            "cds_config": { "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "20s" },
            "lds_config": { "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "20s" },
        },
        "static_resources": { "clusters": [{
            "name": "control", "type": "STATIC", "connect_timeout": "1s", "typed_extension_protocol_options": http2,
            "load_assignment": { "cluster_name": "control", "endpoints": [{
                "lb_endpoints": [{ "endpoint": { "address": address(control_plane) } }],
            }] },
        }] },
    })
}

/// A cluster whose endpoints come from the aggregated stream.
pub(crate) fn eds_cluster(name: &str) -> Value {
    json!({ "name": name, "type": "EDS", "connect_timeout": "1s", "eds_cluster_config": {
        "eds_config": { "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "20s" },
    } })
}

/// Its endpoints.
pub(crate) fn endpoints(name: &str, host: SocketAddr) -> Value {
    json!({ "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(host) } }] }] })
}

/// A listener that passes bytes to a cluster.
pub(crate) fn tcp_listener(name: &str, cluster: &str) -> Value {
    json!({ "name": name, "address": address("127.0.0.1:0".parse().unwrap()), "filter_chains": [{ "filters": [{
        "name": "tcp",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "tcp", "cluster": cluster,
        },
    }] }] })
}

//! A client that says exactly what a test wants it to say.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind as ValueKind};
use envoy_types::pb::google::rpc::Status as RpcStatus;
use meshctl::xds::Kind;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};

/// A sidecar of `productpage`.
pub fn productpage() -> Node {
    node(
        "sidecar~10.244.0.9~productpage-v1-abc-def.default~default.svc.cluster.local",
        &[("WORKLOAD_NAME", "productpage-v1")],
    )
}

/// A node with text metadata.
pub fn node(id: &str, metadata: &[(&str, &str)]) -> Node {
    let text = |text: &str| Value { kind: Some(ValueKind::StringValue(text.into())) };
    let fields: HashMap<_, _> = metadata.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect();
    Node { id: id.into(), metadata: Some(Struct { fields }), ..Node::default() }
}

async fn connect(address: SocketAddr) -> AggregatedDiscoveryServiceClient<tonic::transport::Channel> {
    AggregatedDiscoveryServiceClient::connect(format!("http://{address}"))
        .await
        .unwrap()
        .max_decoding_message_size(64 << 20)
}

async fn next<T>(responses: &mut Streaming<T>) -> Result<T, Status> {
    let message = tokio::time::timeout(Duration::from_secs(10), responses.message()).await.expect("a response");
    message.map(|message| message.expect("the stream goes on"))
}

async fn silent<T>(responses: &mut Streaming<T>) -> bool {
    tokio::time::timeout(Duration::from_millis(200), responses.message()).await.is_err()
}

fn refusal(error: &str) -> RpcStatus {
    RpcStatus { code: 3, message: error.into(), ..RpcStatus::default() }
}

/// The incremental variant.
pub struct Delta {
    requests: UnboundedSender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
    node: Option<Node>,
}

impl Delta {
    pub async fn open(address: SocketAddr, node: Node) -> Self {
        Self::open_with(address, node, None).await
    }

    pub async fn open_with(address: SocketAddr, node: Node, token: Option<&str>) -> Self {
        let (requests, receiver) = unbounded_channel();
        let mut client = connect(address).await;
        let mut request = tonic::Request::new(UnboundedReceiverStream::new(receiver));
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let call = client.delta_aggregated_resources(request);
        let responses = call.await.unwrap().into_inner();
        Self { requests, responses, node: Some(node) }
    }

    fn send(&mut self, request: DeltaDiscoveryRequest) {
        self.requests.send(DeltaDiscoveryRequest { node: self.node.take(), ..request }).unwrap();
    }

    pub fn ask(&mut self, kind: Kind, names: &[&str]) {
        self.ask_with(kind, names, &BTreeMap::new());
    }

    pub fn ask_with(&mut self, kind: Kind, names: &[&str], had: &BTreeMap<String, String>) {
        self.send(DeltaDiscoveryRequest {
            type_url: kind.type_url().into(),
            resource_names_subscribe: names.iter().map(ToString::to_string).collect(),
            initial_resource_versions: had.clone().into_iter().collect(),
            ..DeltaDiscoveryRequest::default()
        });
    }

    pub fn leave(&mut self, kind: Kind, names: &[&str]) {
        self.send(DeltaDiscoveryRequest {
            type_url: kind.type_url().into(),
            resource_names_unsubscribe: names.iter().map(ToString::to_string).collect(),
            ..DeltaDiscoveryRequest::default()
        });
    }

    pub async fn next(&mut self) -> DeltaDiscoveryResponse {
        next(&mut self.responses).await.unwrap()
    }

    pub async fn error(&mut self) -> Status {
        next(&mut self.responses).await.unwrap_err()
    }

    pub async fn silent(&mut self) -> bool {
        silent(&mut self.responses).await
    }

    pub fn answer(&mut self, response: &DeltaDiscoveryResponse, error: Option<&str>) {
        self.send(DeltaDiscoveryRequest {
            type_url: response.type_url.clone(),
            response_nonce: response.nonce.clone(),
            error_detail: error.map(refusal),
            ..DeltaDiscoveryRequest::default()
        });
    }

    /// The next response, which is taken.
    pub async fn take(&mut self, kind: Kind) -> DeltaDiscoveryResponse {
        let response = self.next().await;
        assert_eq!(response.type_url, kind.type_url());
        self.answer(&response, None);
        response
    }
}

/// Versions by name.
pub fn versions(response: &DeltaDiscoveryResponse) -> BTreeMap<String, String> {
    response.resources.iter().map(|resource| (resource.name.clone(), resource.version.clone())).collect()
}

/// Names in order.
pub fn names(response: &DeltaDiscoveryResponse) -> Vec<String> {
    versions(response).into_keys().collect()
}

/// The state-of-the-world variant.
pub struct World {
    requests: UnboundedSender<DiscoveryRequest>,
    responses: Streaming<DiscoveryResponse>,
    node: Option<Node>,
}

impl World {
    pub async fn open(address: SocketAddr, node: Node) -> Self {
        let (requests, receiver) = unbounded_channel();
        let mut client = connect(address).await;
        let call = client.stream_aggregated_resources(UnboundedReceiverStream::new(receiver));
        let responses = call.await.unwrap().into_inner();
        Self { requests, responses, node: Some(node) }
    }

    pub fn ask(&mut self, kind: Kind, names: &[&str], last: Option<&DiscoveryResponse>, error: Option<&str>) {
        let request = DiscoveryRequest {
            node: self.node.take(),
            type_url: kind.type_url().into(),
            resource_names: names.iter().map(ToString::to_string).collect(),
            version_info: last.map(|last| last.version_info.clone()).unwrap_or_default(),
            response_nonce: last.map(|last| last.nonce.clone()).unwrap_or_default(),
            error_detail: error.map(refusal),
            ..DiscoveryRequest::default()
        };
        self.requests.send(request).unwrap();
    }

    pub async fn next(&mut self, kind: Kind) -> DiscoveryResponse {
        let response = next(&mut self.responses).await.unwrap();
        assert_eq!(response.type_url, kind.type_url());
        response
    }

    pub async fn silent(&mut self) -> bool {
        silent(&mut self.responses).await
    }
}

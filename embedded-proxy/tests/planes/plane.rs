//! A control plane that the tests play: it serves what it is told, to aggregated streams and to streams for secrets.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use embedded_proxy::proto::from_json;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::secret::v3::secret_discovery_service_server::{
    SecretDiscoveryService, SecretDiscoveryServiceServer,
};
use envoy_types::pb::google::protobuf::Any;
use parking_lot::Mutex;
use prost::Message as _;
use serde_json::Value;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{UnboundedReceiverStream, UnixListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// Resources by type, then by name; each change of a type counts its version up.
type Served = BTreeMap<&'static str, (u64, BTreeMap<String, Any>)>;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Identity of the proxy, when it is told.
    pub node: Option<String>,
}

struct Shared {
    served: watch::Sender<Served>,
    seen: Mutex<Vec<Seen>>,
}

/// The control plane. Its connections end with it.
pub struct Plane {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Plane {
    /// Listens on a unix socket.
    pub fn start(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared { served: watch::Sender::default(), seen: Mutex::default() });
        let service = Service(shared.clone());
        let entered = runtime.enter();
        let listener = UnixListener::bind(path).unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(AggregatedDiscoveryServiceServer::new(service.clone()))
            .add_service(SecretDiscoveryServiceServer::new(service));
        runtime.spawn(server.serve_with_incoming(UnixListenerStream::new(listener)));
        drop(entered);
        Self { shared, runtime: Some(runtime) }
    }

    /// Serves these resources of a type from now on, and no other of it.
    pub fn serve(&self, kind: &'static str, resources: &[(&str, Value)]) {
        let any = |value: &Value| {
            let value = from_json(kind, value).unwrap().encode_to_vec();
            Any { type_url: format!("type.googleapis.com/{kind}"), value }
        };
        let resources = resources.iter().map(|(name, value)| ((*name).to_string(), any(value))).collect();
        self.shared.served.send_modify(|served| {
            let (version, all) = served.entry(kind).or_default();
            *version += 1;
            *all = resources;
        });
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().clone()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Clone)]
struct Service(Arc<Shared>);

type Outgoing<T> = UnboundedReceiverStream<Result<T, Status>>;

/// What a stream asked for of one type.
#[derive(Default)]
struct Asked {
    names: Vec<String>,
    sent: u64,
}

impl Service {
    fn stream(&self, request: Request<Streaming<DiscoveryRequest>>) -> Response<Outgoing<DiscoveryResponse>> {
        let (to, outgoing) = mpsc::unbounded_channel();
        tokio::spawn(self.clone().talk(request.into_inner(), to));
        Response::new(UnboundedReceiverStream::new(outgoing))
    }

    async fn talk(
        self,
        mut requests: Streaming<DiscoveryRequest>,
        to: mpsc::UnboundedSender<Result<DiscoveryResponse, Status>>,
    ) {
        let mut changes = self.0.served.subscribe();
        let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
        loop {
            tokio::select! {
                request = requests.message() => {
                    let Ok(Some(request)) = request else { return };
                    let kind = request.type_url.rsplit('/').next().unwrap().to_string();
                    self.note(&request);
                    let known = asked.entry(kind).or_default();
                    if known.names != request.resource_names {
                        *known = Asked { names: request.resource_names, sent: 0 };
                    }
                }
                changed = changes.changed() => if changed.is_err() { return },
            }
            let served = changes.borrow_and_update().clone();
            for (kind, asked) in &mut asked {
                let Some((version, all)) = served.get(kind.as_str()).filter(|(version, _)| *version > asked.sent)
                else {
                    continue;
                };
                asked.sent = *version;
                let wanted = |name: &String| asked.names.is_empty() || asked.names.contains(name);
                let resources = all.iter().filter(|(name, _)| wanted(name)).map(|(_, any)| any.clone()).collect();
                let response = DiscoveryResponse {
                    version_info: version.to_string(),
                    nonce: format!("{kind}/{version}"),
                    type_url: format!("type.googleapis.com/{kind}"),
                    resources,
                    ..DiscoveryResponse::default()
                };
                let _ = to.send(Ok(response));
            }
        }
    }

    fn note(&self, request: &DiscoveryRequest) {
        self.0.seen.lock().push(Seen { node: request.node.as_ref().map(|node| node.id.clone()) });
    }
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Service {
    type StreamAggregatedResourcesStream = Outgoing<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Outgoing<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(self.stream(request))
    }

    async fn delta_aggregated_resources(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("these tests ask for the state of the world"))
    }
}

#[tonic::async_trait]
impl SecretDiscoveryService for Service {
    type StreamSecretsStream = Outgoing<DiscoveryResponse>;
    type DeltaSecretsStream = Outgoing<DeltaDiscoveryResponse>;

    async fn stream_secrets(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamSecretsStream>, Status> {
        Ok(self.stream(request))
    }

    async fn delta_secrets(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaSecretsStream>, Status> {
        Err(Status::unimplemented("these tests ask for the state of the world"))
    }

    async fn fetch_secrets(&self, _: Request<DiscoveryRequest>) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented("these tests use streams"))
    }
}

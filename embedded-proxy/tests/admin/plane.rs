//! A control plane: it serves fixed resources over the aggregated stream, and then a second version of listeners and clusters
//! that nobody can take.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use embedded_proxy::proto::from_json;
use embedded_proxy::xds::Kind;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Response, Status, Streaming};

type Responses<T> = UnboundedReceiverStream<Result<T, Status>>;

/// What is served: good resources by kind, and what the second version adds.
#[derive(Debug, Clone, Default)]
pub struct Served {
    pub good: Vec<(Kind, Value)>,
    pub bad: Vec<(Kind, Value)>,
}

impl Served {
    fn response(&self, url: &str, version: u32) -> DiscoveryResponse {
        let more = self.bad.iter().filter(|_| version > 1);
        let all = self.good.iter().chain(more).filter(|(kind, _)| kind.url() == url);
        let any = |(kind, value): &(Kind, Value)| Any {
            type_url: kind.url(),
            value: from_json(kind.message(), value).unwrap().encode_to_vec(),
        };
        DiscoveryResponse {
            version_info: format!("v{version}"),
            nonce: format!("n{version}"),
            type_url: url.into(),
            resources: all.map(any).collect(),
            ..DiscoveryResponse::default()
        }
    }

    fn has_second(&self, url: &str) -> bool {
        self.bad.iter().any(|(kind, _)| kind.url() == url)
    }
}

struct Service(Arc<Served>);

#[tonic::async_trait]
impl AggregatedDiscoveryService for Service {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (served, mut requests) = (self.0.clone(), request.into_inner());
        tokio::spawn(async move {
            let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
            while let Ok(Some(request)) = requests.message().await {
                let url = request.type_url.clone();
                let asks = names.insert(url.clone(), request.resource_names.clone()) != Some(request.resource_names);
                let version = match (request.response_nonce.as_str(), request.error_detail.is_some()) {
                    ("n1", false) if served.has_second(&url) => 2,
                    _ if asks => 1,
                    _ => continue,
                };
                if sender.send(Ok(served.response(&url, version))).is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(UnboundedReceiverStream::new(receiver)))
    }

    async fn delta_aggregated_resources(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("state of the world only"))
    }
}

/// A control plane that runs until it is dropped.
pub struct Plane {
    pub address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Plane {
    /// Serves these resources.
    pub fn start(served: Served) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let service = AggregatedDiscoveryServiceServer::new(Service(Arc::new(served)));
        runtime.spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Self { address, _runtime: runtime }
    }
}

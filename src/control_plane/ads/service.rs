//! The gRPC service.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc::channel;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::registry::Registry;
use super::stream::{Delta, Wire, World, serve};
use crate::control_plane::ca::Ca;
use crate::control_plane::engine::{Claimed, Engine};
use crate::control_plane::metrics::Metrics;
use crate::control_plane::node::Claim;
use crate::ir::Identity;

const WORLD: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const DELTA: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/// Responses that may wait to be written, per stream: what follows waits where it can still be replaced.
const QUEUE: usize = 1;

/// The other end of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// The identity of its certificate.
    pub proven: Option<Identity>,
    /// True where an identity has to be proven.
    pub must_prove: bool,
}

impl Peer {
    /// Who the caller is: what it says must fit what is proven.
    pub(super) fn claim(
        &self,
        node: Option<&envoy_types::pb::envoy::config::core::v3::Node>,
    ) -> Result<Claimed, Status> {
        let claim = Claim::read(node).map_err(|error| Status::invalid_argument(error.to_string()))?;
        match &self.proven {
            None if self.must_prove => {
                return Err(Status::unauthenticated("a certificate of the mesh or a token is needed here"));
            }
            Some(proven) if proven.namespace != claim.namespace => {
                let text = format!(
                    "the proven identity is of namespace {}, the node of {}",
                    proven.namespace, claim.namespace
                );
                return Err(Status::permission_denied(text));
            }
            Some(proven) if claim.account.as_ref().is_some_and(|account| *account != proven.account) => {
                let text = format!("the proven identity is of service account {}, the node of another", proven.account);
                return Err(Status::permission_denied(text));
            }
            _ => {}
        }
        Ok(Claimed { claim, proven: self.proven.clone() })
    }
}

/// What all streams share.
#[derive(Debug)]
pub struct Ads {
    engine: Arc<Engine>,
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
}

impl Ads {
    /// A service over an engine.
    pub fn new(engine: Arc<Engine>, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { engine, registry: Arc::default(), metrics })
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Open streams.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// The service as the server wants it.
#[derive(Debug, Clone)]
pub struct AdsService(pub Arc<Ads>, pub Option<Arc<Ca>>);

impl NamedService for AdsService {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl tower_service::Service<http::Request<Body>> for AdsService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        match request.uri().path() {
            WORLD => Box::pin(answer::<World>(service, request)),
            DELTA => Box::pin(answer::<Delta>(service, request)),
            _ => Box::pin(async { Ok(Status::unimplemented("no such method").into_http()) }),
        }
    }
}

async fn answer<W: Served>(
    service: AdsService,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Infallible> {
    let codec = ProstCodec::<W::Response, W::Request>::default();
    let mut grpc = Grpc::new(codec);
    Ok(grpc.streaming(Method::<W>(service, std::marker::PhantomData), request).await)
}

/// A variant whose messages can be read and written.
trait Served: Wire<Request: prost::Message + Default, Response: prost::Message> {}

impl<W: Wire<Request: prost::Message + Default, Response: prost::Message>> Served for W {}

struct Method<W>(AdsService, std::marker::PhantomData<W>);

impl<W: Served> StreamingService<W::Request> for Method<W> {
    type Response = W::Response;
    type ResponseStream = ReceiverStream<Result<W::Response, Status>>;
    type Future = Answering<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<W::Request>>) -> Self::Future {
        let AdsService(ads, ca) = self.0.clone();
        Box::pin(async move {
            let mut peer = request.extensions().get::<Peer>().cloned().ok_or_else(|| Status::internal("no peer"))?;
            if let Some(ca) = ca {
                peer.proven = ca.proven(&peer, request.metadata());
            }
            let (sender, receiver) = channel(QUEUE);
            tokio::spawn(serve::<W>(ads, peer, request.into_inner(), sender));
            Ok(Response::new(ReceiverStream::new(receiver)))
        })
    }
}

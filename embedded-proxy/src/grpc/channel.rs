//! A cluster as tonic's clients want it: a service that takes `http` requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, header};
use parking_lot::Mutex;
use tonic::Status;
use tower_service::Service;

use crate::cluster::{Choice, Cluster, ClusterConfig, PrivateCluster, SendOptions};
use crate::http::{Body, Headers, Request, RequestHead, Version};
use crate::proto::{Defect, Reader, from_json, read_checked};
use crate::services::{Build, Services};

use super::body::{Incoming, Outgoing};
use super::credentials::Credential;
use super::google::Google;
use super::service::{GrpcService, Target};

/// A gRPC service behind a cluster. Cheap to clone; holds no connection: those are the cluster's.
///
/// Tonic's clients take it: `AuthorizationClient::new(channel)`.
#[derive(Debug, Clone)]
pub struct Channel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    services: Arc<Services>,
    route: Route,
    authority: String,
    timeout: Option<Duration>,
    metadata: Headers,
    credentials: Vec<Credential>,
}

/// The way to the service.
#[derive(Debug)]
enum Route {
    /// A cluster of the configuration, looked up for each call.
    Named(String),
    /// One that only this channel has.
    Own(PrivateCluster),
}

impl Channel {
    /// A service behind the cluster of that name. `authority` is sent as `:authority`; empty: the cluster's name.
    /// `timeout` bounds the time to the head of the response.
    pub fn new(services: Arc<Services>, cluster: &str, authority: &str, timeout: Option<Duration>) -> Self {
        let authority = if authority.is_empty() { cluster } else { authority };
        Self(Arc::new(Inner {
            services,
            route: Route::Named(cluster.to_string()),
            authority: authority.to_string(),
            timeout,
            metadata: Headers::new(),
            credentials: Vec::new(),
        }))
    }

    /// Reads `envoy.config.core.v3.GrpcService`.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let GrpcService { timeout, metadata, target } = GrpcService::read(reader)?;
        let (route, authority, credentials) = match target {
            Target::Cluster { name, authority } => (Route::Named(name), authority, Vec::new()),
            Target::Google(google) => {
                let cluster = own(&google, build).map_err(|error| reader.defect("google_grpc", error)).ok()?;
                (Route::Own(cluster), google.authority, google.credentials)
            }
        };
        let services = build.services.clone();
        Some(Self(Arc::new(Inner { services, route, authority, timeout, metadata, credentials })))
    }

    /// Name of the cluster.
    pub fn cluster(&self) -> &str {
        match &self.0.route {
            Route::Named(name) => name,
            Route::Own(cluster) => &cluster.get().name,
        }
    }

    async fn find(&self) -> Result<Arc<Cluster>, String> {
        match &self.0.route {
            Route::Named(name) => self.0.services.clusters.get(name).ok_or_else(|| "is not known".into()),
            Route::Own(cluster) => {
                // Its name may not be looked up yet.
                cluster.get().ready().await;
                Ok(cluster.get().clone())
            }
        }
    }

    async fn call(
        self,
        request: http::Request<tonic::body::Body>,
    ) -> Result<http::Response<tonic::body::Body>, Status> {
        let send = self.send(request);
        match self.0.timeout {
            Some(timeout) => match tokio::time::timeout(timeout, send).await {
                Ok(answer) => answer,
                Err(_) => Err(Status::deadline_exceeded("the service did not answer in time")),
            },
            None => send.await,
        }
    }

    async fn send(
        &self,
        request: http::Request<tonic::body::Body>,
    ) -> Result<http::Response<tonic::body::Body>, Status> {
        let unavailable = |detail: String| Status::unavailable(format!("cluster {}: {detail}", self.cluster()));
        let cluster = self.find().await.map_err(unavailable)?;
        let choice = Choice { random: fastrand::u64(..), ..Choice::default() };
        let host = cluster.pick(&choice).ok_or_else(|| unavailable("no healthy host".into()))?;
        let request = self.translate(request)?;
        let answer = cluster.send(&host, request, &SendOptions::default()).await;
        let answer = answer.map_err(|error| unavailable(error.to_string()))?;
        let mut response = http::Response::new(tonic::body::Body::new(Incoming(answer.response.body)));
        *response.status_mut() = answer.response.head.status;
        *response.headers_mut() = answer.response.head.headers.into_map();
        Ok(response)
    }

    fn translate(&self, request: http::Request<tonic::body::Body>) -> Result<Request, Status> {
        let (parts, body) = request.into_parts();
        let mut headers = Headers::from(parts.headers);
        headers.set(header::TE, HeaderValue::from_static("trailers"));
        for (name, value) in self.0.metadata.iter() {
            headers.add(name.clone(), value.clone());
        }
        for credential in &self.0.credentials {
            credential.add(&mut headers).map_err(Status::unauthenticated)?;
        }
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let head = RequestHead {
            method: parts.method,
            scheme: "http",
            authority: self.0.authority.clone(),
            path: path.to_string(),
            upgrade: None,
            version: Version::Http2,
            headers,
        };
        Ok(Request { head, body: Body::stream(Outgoing(Mutex::new(body))) })
    }
}

/// The cluster of a service at an address of its own.
fn own(google: &Google, build: &Build) -> Result<PrivateCluster, String> {
    let message = from_json("envoy.config.cluster.v3.Cluster", &google.cluster)?;
    let config = read_checked(message, "", |reader| ClusterConfig::read(reader, build));
    let lines = |defects: Vec<Defect>| defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    config.map(|config| PrivateCluster::start(config, build)).map_err(lines)
}

impl Service<http::Request<tonic::body::Body>> for Channel {
    type Response = http::Response<tonic::body::Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(self.clone().call(request))
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
    use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::{
        RateLimitService, RateLimitServiceServer,
    };
    use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::proto::{Defect, Defects, from_json};

    /// Answers with the metadata that came, as text.
    struct Echo;

    #[tonic::async_trait]
    impl RateLimitService for Echo {
        async fn should_rate_limit(
            &self,
            request: tonic::Request<RateLimitRequest>,
        ) -> Result<tonic::Response<RateLimitResponse>, Status> {
            if request.get_ref().domain == "deny" {
                return Err(Status::permission_denied("not this one"));
            }
            let seen = request.metadata().get("x-extra").map(|value| value.to_str().unwrap().to_string());
            let raw_body = format!("{} {seen:?}", request.get_ref().domain).into_bytes();
            Ok(tonic::Response::new(RateLimitResponse { raw_body, ..RateLimitResponse::default() }))
        }
    }

    fn read(value: &serde_json::Value, build: &Build) -> Result<Channel, Vec<Defect>> {
        let message = from_json("envoy.config.core.v3.GrpcService", value).unwrap();
        let defects = Defects::new();
        let channel = Channel::read(&Reader::new(message, "", &defects), build);
        defects.verdict(channel)
    }

    #[tokio::test]
    async fn a_client_of_tonic_talks_to_a_cluster() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tonic::transport::Server::builder().add_service(RateLimitServiceServer::new(Echo));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let build = build();
        let hosts = assignment(&[("127.0.0.1", port, 1)]);
        apply(&json!({"name": "limits", "load_assignment": hosts, "http2_protocol_options": {}}), &build);
        let channel = read(
            &json!({
                "envoy_grpc": {"cluster_name": "limits"},
                "timeout": "5s",
                "initial_metadata": [{"key": "x-extra", "value": "more"}],
            }),
            &build,
        );
        let mut client = RateLimitServiceClient::new(channel.unwrap());
        let ask = |domain: &str| RateLimitRequest { domain: domain.into(), ..RateLimitRequest::default() };
        for domain in ["a", "b"] {
            let answer = client.should_rate_limit(ask(domain)).await.unwrap().into_inner();
            assert_eq!(String::from_utf8(answer.raw_body).unwrap(), format!("{domain} Some(\"more\")"));
        }
        let denied = client.should_rate_limit(ask("deny")).await.unwrap_err();
        assert_eq!((denied.code(), denied.message()), (tonic::Code::PermissionDenied, "not this one"));
        let stats = &build.services.clusters.get("limits").unwrap().upstream.stats;
        assert_eq!((stats.cx_total.value(), stats.rq_total.value()), (1, 3));
    }

    #[tokio::test]
    async fn a_service_at_a_socket_of_its_own_gets_the_token_of_the_moment() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, token) = (folder.path().join("s"), folder.path().join("token"));
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let server = tonic::transport::Server::builder().add_service(RateLimitServiceServer::new(Echo));
        tokio::spawn(server.serve_with_incoming(tokio_stream::wrappers::UnixListenerStream::new(listener)));
        let google = json!({"google_grpc": {
            "target_uri": format!("unix:{}", socket.display()), "stat_prefix": "s",
            "channel_credentials": {"local_credentials": {}},
            "credentials_factory_name": "envoy.grpc_credentials.file_based_metadata",
            "call_credentials": [{"from_plugin": {
                "name": "envoy.grpc_credentials.file_based_metadata",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig",
                    "secret_data": {"filename": token}, "header_key": "x-extra", "header_prefix": "Bearer ",
                },
            }}],
        }});
        let mut client = RateLimitServiceClient::new(read(&google, &build()).unwrap());
        let ask = || RateLimitRequest { domain: "d".into(), ..RateLimitRequest::default() };
        assert_eq!(client.should_rate_limit(ask()).await.unwrap_err().code(), tonic::Code::Unauthenticated, "no file");
        for text in ["one", "two"] {
            std::fs::write(&token, format!("{text}\n")).unwrap();
            let answer = client.should_rate_limit(ask()).await.unwrap().into_inner();
            assert_eq!(String::from_utf8(answer.raw_body).unwrap(), format!("d Some(\"Bearer {text}\")"));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_called_is_said() {
        let build = build();
        let channel = read(&json!({"envoy_grpc": {"cluster_name": "nowhere"}}), &build).unwrap();
        let mut client = RateLimitServiceClient::new(channel);
        let error = client.should_rate_limit(RateLimitRequest::default()).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::Unavailable);
        let google = json!({"google_grpc": {"target_uri": "xds:///a", "stat_prefix": "s"}});
        assert_eq!(read(&google, &build).unwrap_err()[0].path, "google_grpc.target_uri");
    }
}

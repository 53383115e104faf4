//! A cluster as tonic's clients want it: a service that takes `http` requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use parking_lot::Mutex;
use tonic::Status;
use tower_service::Service;

use crate::cluster::{Choice, SendOptions};
use crate::http::{Body, Headers, Request, RequestHead, Version};
use crate::proto::Reader;
use crate::services::{Build, Services};

use super::body::{Incoming, Outgoing};

/// A gRPC service behind a cluster. Cheap to clone; holds no connection: those are the cluster's.
///
/// Tonic's clients take it: `AuthorizationClient::new(channel)`.
#[derive(Debug, Clone)]
pub struct Channel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    services: Arc<Services>,
    cluster: String,
    authority: String,
    timeout: Option<Duration>,
    metadata: Headers,
}

impl Channel {
    /// A service behind the cluster of that name. `authority` is sent as `:authority`; empty: the cluster's name.
    /// `timeout` bounds the time to the head of the response.
    pub fn new(services: Arc<Services>, cluster: &str, authority: &str, timeout: Option<Duration>) -> Self {
        Self::with_metadata(services, cluster, authority, timeout, Headers::new())
    }

    fn with_metadata(
        services: Arc<Services>,
        cluster: &str,
        authority: &str,
        timeout: Option<Duration>,
        metadata: Headers,
    ) -> Self {
        let authority = if authority.is_empty() { cluster } else { authority };
        let (cluster, authority) = (cluster.to_string(), authority.to_string());
        Self(Arc::new(Inner { services, cluster, authority, timeout, metadata }))
    }

    /// Reads `envoy.config.core.v3.GrpcService`. Only `envoy_grpc` can be used: a `google_grpc` target has none of the
    /// limits, checks and stats of a cluster.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let timeout = reader.duration("timeout").filter(|timeout| !timeout.is_zero());
        let mut metadata = Headers::new();
        for field in reader.list("initial_metadata") {
            let name = field.need_text("key").and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
            let raw = field.bytes("raw_value");
            let value = field.text("value");
            let value = HeaderValue::from_bytes(if raw.is_empty() { value.as_bytes() } else { &raw });
            match (name, value) {
                (Some(name), Ok(value)) => metadata.add(name, value),
                _ => field.defect("", "is no header field"),
            }
        }
        let Some(envoy) = reader.message("envoy_grpc") else {
            if reader.has("google_grpc") {
                reader.defect("google_grpc", "the proxy calls gRPC services over its clusters: use envoy_grpc");
            } else {
                reader.defect("target_specifier", "must be set");
            }
            return None;
        };
        // The x-envoy-* fields that it would leave out are not sent by this client.
        envoy.ignore(&["skip_envoy_headers"]);
        let cluster = envoy.need_text("cluster_name")?;
        Some(Self::with_metadata(build.services.clone(), &cluster, &envoy.text("authority"), timeout, metadata))
    }

    /// Name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.0.cluster
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
        let inner = &self.0;
        let unavailable = |detail: String| Status::unavailable(format!("cluster {}: {detail}", inner.cluster));
        let cluster = inner.services.clusters.get(&inner.cluster).ok_or_else(|| unavailable("is not known".into()))?;
        let choice = Choice { random: fastrand::u64(..), ..Choice::default() };
        let host = cluster.pick(&choice).ok_or_else(|| unavailable("no healthy host".into()))?;
        let answer = cluster.send(&host, self.translate(request), &SendOptions::default()).await;
        let answer = answer.map_err(|error| unavailable(error.to_string()))?;
        let mut response = http::Response::new(tonic::body::Body::new(Incoming(answer.response.body)));
        *response.status_mut() = answer.response.head.status;
        *response.headers_mut() = answer.response.head.headers.into_map();
        Ok(response)
    }

    fn translate(&self, request: http::Request<tonic::body::Body>) -> Request {
        let (parts, body) = request.into_parts();
        let mut headers = Headers::from(parts.headers);
        headers.set(header::TE, HeaderValue::from_static("trailers"));
        for (name, value) in self.0.metadata.iter() {
            headers.add(name.clone(), value.clone());
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
        Request { head, body: Body::stream(Outgoing(Mutex::new(body))) }
    }
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
    async fn what_cannot_be_called_is_said() {
        let build = build();
        let channel = read(&json!({"envoy_grpc": {"cluster_name": "nowhere"}}), &build).unwrap();
        let mut client = RateLimitServiceClient::new(channel);
        let error = client.should_rate_limit(RateLimitRequest::default()).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::Unavailable);
        let google = json!({"google_grpc": {"target_uri": "a:1", "stat_prefix": "s"}});
        assert_eq!(read(&google, &build).unwrap_err()[0].path, "google_grpc");
    }
}

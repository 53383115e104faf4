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
            match reader.has("google_grpc") {
                true => reader.defect("google_grpc", "the proxy calls gRPC services over its clusters: use envoy_grpc"),
                false => reader.defect("target_specifier", "must be set"),
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

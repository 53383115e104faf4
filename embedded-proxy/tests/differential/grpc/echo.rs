//! `test.Echo`: any method answers with the messages it got, and tells in trailers what it heard.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

/// The service.
#[derive(Debug, Clone)]
pub struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move { Ok(answer(request).await) })
    }
}

async fn answer(request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_string();
    let heard = ["content-type", "te", "grpc-accept-encoding", "content-length", "accept"].map(field).join(" ");
    let status = HeaderValue::try_from(head.headers.get("x-status").map_or("0", |value| value.to_str().unwrap_or("2")));
    let status = status.expect("a status");
    let response = Response::builder().header("content-type", "application/grpc").header("x-heard", heard);
    if head.headers.contains_key("x-only-trailers") {
        return response.header("grpc-status", status).body(Body::empty()).expect("a response");
    }
    if let Some(kind) = head.headers.get("x-foreign") {
        let response = Response::builder().status(503).header("content-type", kind);
        return response.body(Body::new(Full::new(Bytes::from("no such 100%\n")))).expect("a response");
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status);
    trailers.insert("x-trailer", HeaderValue::from_static("a: b"));
    let body = Full::new(body).with_trailers(std::future::ready(Some(Ok(trailers))));
    response.body(Body::new(body)).expect("a response")
}

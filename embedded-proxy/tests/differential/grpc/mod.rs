//! Services that speak gRPC and that both proxies ask: authorization, rate limits, and one that says what it heard.

mod authz;
mod echo;
mod limits;

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitServiceServer;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

/// Starts all of them on a port that the system picks. They end with the process.
pub fn start() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    listener.set_nonblocking(true).expect("a socket option");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let serve = tonic::transport::Server::builder()
                .add_service(AuthorizationServer::new(authz::Authz))
                .add_service(RateLimitServiceServer::new(limits::Limits))
                .add_service(echo::Echo)
                .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
            serve.await.expect("serves");
        });
    });
    port
}

/// A field of a head.
fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.into(), value: value.into(), ..HeaderValue::default() }
}

/// Metadata with one text.
fn metadata(key: &str, value: &str) -> Struct {
    let value = Value { kind: Some(Kind::StringValue(value.into())) };
    Struct { fields: [(key.to_string(), value)].into() }
}

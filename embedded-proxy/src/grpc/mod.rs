//! gRPC services that the proxy itself calls, over its own clusters, or at addresses of their own.

mod body;
mod channel;
mod credentials;
mod google;
mod service;

pub use channel::Channel;
pub use service::GrpcService;

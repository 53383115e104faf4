//! gRPC services that the proxy itself calls, over its own clusters.

mod body;
mod channel;

pub use channel::Channel;

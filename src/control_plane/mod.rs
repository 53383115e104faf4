//! The control plane: configuration in, xDS and certificates out.
//!
//! ```text
//! source (files, later a cluster) -> store (the last good content of each piece) -> Model -> Mesh
//!     -> Change -> resources of each class of proxies -> ads (one session a stream) -> proxies
//! ```
//!
//! Everything up to the sessions is deterministic, so that several replicas serve the same without talking to each other.

pub mod ads;
pub mod ca;
pub mod debug;
pub mod engine;
pub mod metrics;
pub mod node;
pub mod server;
pub mod source;
mod store;
mod tls;

pub use store::Broken;

//! The sidecar proxy inside meshctl.
//!
//! What stands here is the part that needs no socket: matchers as the data path uses them, so that what the tool says
//! about a route is what the proxy does with a request. There is no Kubernetes in this crate.

/// Matchers of the values of a request.
pub mod matching;

//! From the model of the mesh to the configuration of one proxy, in Envoy's messages.
//!
//! [`xds`] is pure: the same mesh and node give the same resources, byte for byte, and a change that a node does not see
//! changes nothing of it.

mod access_log;
mod authz;
mod build;
mod change;
mod gateway;
mod hcm;
mod http;
mod inbound;
mod jwt;
mod node;
mod outbound;
mod patch;
mod proto;
mod resource;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod view;

pub use build::{update, xds};
pub use change::Change;
pub use node::{Interception, Node, NodeKind};
pub use proto::api_path;
pub use resource::{Kind, Resource, Snapshot};
pub use view::View;

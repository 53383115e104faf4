//! The bootstrap file: who the proxy is, what it starts with, where more comes from.

mod node;

pub use node::Node;

//! The Kubernetes kinds that mesh rules read.

pub mod types;

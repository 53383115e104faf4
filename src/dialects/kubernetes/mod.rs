//! The Kubernetes kinds that mesh rules read.

pub mod lower;
pub mod types;

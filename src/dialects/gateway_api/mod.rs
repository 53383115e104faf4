//! The kinds of the Kubernetes Gateway API.

pub mod lower;
pub mod types;

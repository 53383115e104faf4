//! The kinds of the Kubernetes Gateway API.

pub mod types;

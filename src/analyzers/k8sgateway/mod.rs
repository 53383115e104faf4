//! Istio beside the Kubernetes Gateway API.

pub mod crd_version;
pub mod selector;

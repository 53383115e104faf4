//! Istio's kinds as typed manifests, one file per kind.

mod virtual_service;

pub use virtual_service::*;

//! The sidecar proxy inside meshctl: Envoy configuration in, traffic through.
//!
//! There is no Kubernetes in this crate.

pub mod admin;
pub mod bootstrap;
pub mod cel;
pub mod cluster;
pub mod decide;
pub mod filters;
pub mod grpc;
pub mod hcm;
pub mod http;
pub mod identity;
pub mod istio;
pub mod listener;
/// Matchers of the values of a request.
pub mod matching;
pub mod net;
pub mod offline;
pub mod proto;
pub mod ratelimit;
pub mod rbac;
pub mod route;
pub mod server;
pub mod services;
pub mod stream;
pub mod tcp;
pub mod telemetry;
pub mod tls;
pub mod xds;

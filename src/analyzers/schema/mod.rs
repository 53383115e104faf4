//! Istio's validation of single objects, one analyzer per kind: what the structure cannot say (rules over values).
//!
//! The analyzers report IST0106 where the validation webhook refuses an object and IST0133 where it warns. What reading
//! the object already recorded (unknown fields, types, ranges, required fields, CEL rules) is not reported again.

pub mod authorization_policy;
pub mod destination_rule;
pub mod envoy_filter;
pub mod gateway;
pub mod mesh_config;
pub mod mesh_networks;
pub mod peer_authentication;
pub mod proxy_config;
pub mod request_authentication;
pub mod service_entry;
pub mod shared;
pub mod sidecar;
pub mod telemetry;
pub mod traffic_extension;
pub mod virtual_service;
pub mod wasm_plugin;
pub mod workload_entry;
pub mod workload_group;

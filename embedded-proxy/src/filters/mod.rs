//! Filters: one file per Envoy filter, one registry line each.

pub mod http;
pub mod network;

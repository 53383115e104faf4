//! Traces, metrics and access logs.

pub mod default_selector;
pub mod lightstep;
pub mod provider;
pub mod selector;

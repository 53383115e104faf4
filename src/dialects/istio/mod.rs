//! Istio's kinds and the meaning of their names.

pub mod types;

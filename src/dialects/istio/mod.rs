//! Istio's kinds and the meaning of their names.

pub mod lower;
pub mod mesh_sources;
pub mod types;

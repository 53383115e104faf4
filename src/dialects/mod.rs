//! The vocabularies: their kinds as typed manifests, gathered in one [`model::Model`].

pub mod app_mesh;
pub mod consul;
pub mod embedded;
pub mod gateway_api;
pub mod istio;
pub mod kinds;
pub mod kubernetes;
pub mod linkerd;
pub mod lower;
pub mod meta;
pub mod model;
pub mod monitoring;
pub mod object;
pub mod renewal;
pub mod smi;

//! Reading manifests.

pub mod resolve;

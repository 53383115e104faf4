//! Istio's HTTP filters.

pub(super) mod alpn;
pub(super) mod peer_metadata;
pub(super) mod wasm;

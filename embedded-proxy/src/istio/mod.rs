//! What Istio's extensions share: who a workload is, and who the peers of an exchange are.

mod plugin;
mod workload;

use std::sync::Arc;

pub use plugin::Plugin;
pub use workload::{Kind, Workload};

/// The workloads on both sides of an exchange, as far as they said who they are. Kept in the exchange's scratch.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// Behind the client.
    pub downstream: Option<Arc<Workload>>,
    /// Behind the chosen endpoint.
    pub upstream: Option<Arc<Workload>>,
}

//! What Istio's extensions share: who a workload is, who the peers of an exchange are, and the standard metrics.

mod expression;
mod labels;
mod metrics;
mod overrides;
mod workload;

use std::sync::Arc;

pub use labels::{Facts, Labels, Reporter, labels, of_endpoint};
pub use metrics::{Amount, IDLE, Label, Metrics};
pub use overrides::Overrides;
pub use workload::{Kind, Workload};

/// The workloads on both sides of an exchange, as far as they said who they are. Kept in the exchange's scratch.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// Behind the client.
    pub downstream: Option<Arc<Workload>>,
    /// Behind the chosen endpoint.
    pub upstream: Option<Arc<Workload>>,
}

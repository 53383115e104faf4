//! Upstream clusters: where requests go, which host is chosen, and what keeps failing hosts away.

mod assignment;
mod error;
mod host;
mod manager;
pub mod pool;

pub use assignment::LoadAssignment;
pub use error::{UpstreamError, UpstreamErrorKind};
pub use host::Host;
pub use manager::{Choice, Cluster, Clusters};
pub use pool::{Answer, ConnectFacts, Priority, SendOptions, Upstream};

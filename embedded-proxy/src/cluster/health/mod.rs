//! Active health checks: hosts are asked on an interval whether they are well.

mod config;
mod fields;
mod grpc;
mod http;
mod payload;
mod session;
mod state;
mod stats;
mod tcp;
#[cfg(test)]
mod tests;
mod wire;

pub use config::{CheckKind, HealthConfig};
pub use session::{Checker, start};

/// What one check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The host is well.
    Well,
    /// It is well but wants little traffic.
    Degraded,
    /// It answered that it is not well.
    Failed,
    /// It answered with a status that may pass.
    Retriable,
    /// The connection failed.
    Network,
    /// It did not answer in time.
    Timeout,
    /// Live traffic says that it is not well.
    Passive,
}

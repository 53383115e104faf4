//! Configuration that arrives while the proxy runs.

mod topic;

pub use topic::{Topic, Watched};

//! Configuration that arrives while the proxy runs.

mod kind;
mod source;
mod store;
mod topic;

pub use kind::Kind;
pub use source::{ApiSource, ConfigSource, INITIAL_FETCH, Place};
pub use store::{Refusal, Resource, State, Store};
pub use topic::{Awaited, Topic, Watched};

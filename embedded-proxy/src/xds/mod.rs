//! Configuration that arrives while the proxy runs.

mod backoff;
#[cfg(test)]
mod client_tests;
mod delivered;
mod delta;
mod discovery;
#[cfg(test)]
mod fake;
mod files;
mod kind;
#[cfg(test)]
mod listener_tests;
#[cfg(test)]
mod load_tests;
mod progress;
mod protocol;
#[cfg(test)]
mod protocol_tests;
mod sotw;
mod source;
mod store;
mod stream;
mod take;
mod topic;

pub use discovery::Discovery;
pub use kind::Kind;
pub use progress::Progress;
pub use source::{ApiSource, ConfigSource, INITIAL_FETCH, Place};
pub use store::{Refusal, Resource, State, Store};
pub(crate) use take::{SCOPES, unknown_secret};
pub use topic::{Topic, Watched};

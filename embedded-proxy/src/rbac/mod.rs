//! Role based access control: may this peer do this? Pure functions over what is known of a connection or request.

mod engine;
mod facts;
mod policy;
mod read;
mod rule;

pub use engine::Engine;
pub use facts::Facts;
pub use policy::{Action, Decision, Policy, Rules};
pub use rule::Rule;

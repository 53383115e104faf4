//! Upstream connections: how they are made, kept and shared, and requests sent over them.

mod connect;
mod send;
mod upstream;

pub use send::{Answer, ConnectFacts, Priority, SendOptions};
pub use upstream::Upstream;

//! TLS: the only place that knows rustls.

mod acceptor;
mod connector;
mod secret;

pub use acceptor::Acceptor;
pub use connector::{Connector, Target};
pub use secret::Secret;

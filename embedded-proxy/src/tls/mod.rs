//! TLS: the only place that knows rustls.

mod connector;
mod secret;

pub use connector::{Connector, Target};
pub use secret::Secret;

//! TLS: the only place that knows rustls.

mod secret;

pub use secret::Secret;

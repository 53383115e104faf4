//! Opaque TCP: bytes from one connection to another.

mod relay;

pub use relay::{End, Limits, Relay};

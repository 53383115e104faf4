//! The HTTP connection manager: what happens to a request around the filters.

mod config;
mod serve;

pub use config::{Codec, Http1Options, Http2Options, Keepalive, Timeouts};
pub use serve::{Hcm, Served};

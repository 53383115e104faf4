//! What goes wrong around a proxy: peers that break off, stop reading or talk nonsense. Each test runs whole proxies on the
//! loopback interface, on ports that the system picks.

mod config;
mod crowd;
mod drain;
mod expiry;
mod frames;
mod h2_clients;
mod h2_origins;
mod leaving;
mod malformed;
mod peers;
mod slow;
mod stuck;
pub mod support;
mod tls;

pub use support::start;

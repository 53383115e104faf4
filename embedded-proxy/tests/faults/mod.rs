//! What goes wrong around a proxy: peers that break off, stop reading or talk nonsense. Each test runs whole proxies on the
//! loopback interface, on ports that the system picks.

mod config;
mod drain;
mod malformed;
mod peers;
mod stuck;
mod support;

pub use support::start;

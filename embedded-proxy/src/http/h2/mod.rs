//! HTTP/2 on the `h2` crate: the server side of listeners and the client side of pools.

mod body;
pub mod client;
mod head;
mod options;
mod pings;
mod resets;
mod server;
mod stream;
#[cfg(test)]
mod tests;
mod watch;

pub use server::serve;

//! Listeners: where connections come in, what is found out about them, and which filter chain takes them.

mod accept;
mod bind;
mod chain;
mod choose;
mod config;
mod criteria;
mod filter;
pub mod inspect;
mod internal;
mod manager;
mod pipe;
mod place;
mod predicate;
mod proxy;
mod select;
mod sniff;
mod sockets;
mod stats;
#[cfg(test)]
mod tests;

pub use bind::Bind;
pub use chain::FilterChain;
pub use choose::{Choice, Facts};
pub use config::ListenerConfig;
pub use criteria::{Criteria, SourceType};
pub use internal::{BUFFER as INTERNAL_BUFFER, Brought};
pub use manager::{ListenerView, Listeners};
pub use pipe::Pipe;
pub use place::GlobalLimit;
pub use sniff::SILENCE;
pub use sockets::{Acceptor, Opened, Socket};

//! Listeners: where connections come in, what is found out about them, and which filter chain takes them.

mod accept;
mod bind;
mod chain;
mod choose;
mod config;
mod criteria;
mod filter;
pub mod inspect;
mod manager;
mod predicate;
mod proxy;
mod sniff;
mod stats;
#[cfg(test)]
mod tests;

pub use bind::Bind;
pub use chain::FilterChain;
pub use choose::{Choice, Facts};
pub use config::ListenerConfig;
pub use criteria::{Criteria, SourceType};
pub use manager::{ListenerView, Listeners};
pub use sniff::SILENCE;

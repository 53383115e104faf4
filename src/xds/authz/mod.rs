//! Access: policies of a workload's port as filters of Envoy, one a stage.

mod clause;
mod delegate;
mod identity;
mod message;
mod rule;
mod stages;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use stages::{Target, http, network};

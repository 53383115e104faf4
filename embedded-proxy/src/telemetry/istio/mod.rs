//! Istio's standard metrics: who talks to whom, how often, how long, and how it ends.

mod config;
mod dimension;
mod filter;
mod labels;
mod series;
#[cfg(test)]
mod tests;

pub use config::Recorder;
pub use filter::IstioStats;

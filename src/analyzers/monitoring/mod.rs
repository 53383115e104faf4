//! Prometheus in the mesh: monitors that scrape nothing, and rules that do not say what they mean.

pub mod durations;
pub mod expressions;
pub mod groups;
pub mod monitors;
mod period;
mod promql;

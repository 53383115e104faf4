//! Counters, gauges and histograms under Envoy's names.

mod scope;
mod store;

pub use scope::Scope;
pub use store::{Counter, Gauge, Histogram, Sample, Stats};

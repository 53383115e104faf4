//! Counters, gauges and histograms under Envoy's names.

mod codes;
mod config;
mod histogram;
mod json;
mod prometheus;
mod query;
mod scope;
mod store;
mod text;

pub use codes::Codes;
pub use config::StatsConfig;
pub use histogram::Histogram;
pub use json::json;
pub use prometheus::prometheus;
pub use query::{Buckets, Kind, Query};
pub use scope::Scope;
pub use store::{Counter, Gauge, Raised, Sample, Seen, Stats, Tags};
pub use text::text;

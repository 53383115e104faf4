//! Checks that several kinds share. Each is a pure function from a value to a [`Verdict`]; [`Report`] puts verdicts into
//! findings.

pub mod client_tls;
pub mod connection_pool;
pub mod durations;
pub mod export_to;
pub mod headers;
pub mod labels;
pub mod listeners;
pub mod names;
pub mod percentages;
pub mod ports;
pub mod regexes;
pub mod report;
pub mod scoped_hosts;
pub mod selectors;
pub mod server_tls;
pub mod workload_entries;

pub use report::{Report, Verdict};

//! Access logs: what is logged, when, and where to.

mod als;
mod entry;
mod file;
mod filter;
mod logs;
mod otlp;

pub use file::{Files, Writer};
pub use filter::Filter;
pub use logs::AccessLogs;

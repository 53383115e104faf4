//! Access logs: what is logged, when, and where to.

mod file;
mod filter;
mod logs;

pub use file::{Files, Writer};
pub use filter::Filter;
pub use logs::AccessLogs;

//! Listeners: where connections come in, what is found out about them, and which filter chain takes them.

mod choose;
mod criteria;

pub use choose::{Choice, Facts};
pub use criteria::{Criteria, SourceType};

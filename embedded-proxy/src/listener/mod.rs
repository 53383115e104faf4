//! Listeners: where connections come in, what is found out about them, and which filter chain takes them.

mod bind;
mod choose;
mod criteria;
pub mod inspect;

pub use bind::Bind;
pub use choose::{Choice, Facts};
pub use criteria::{Criteria, SourceType};

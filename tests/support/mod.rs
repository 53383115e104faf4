//! What test files share.

mod files;
mod run;

pub use files::{none, repository, rust_files, same_or_update};
pub use run::{Run, TestDir};

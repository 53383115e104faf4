//! Configuration: flags over environment variables over meshctl.yaml over defaults. No other module reads the
//! environment.

mod analyze;
mod discover;
/// Environment variables that describe the surroundings.
pub mod env;
mod exclude;
mod file;
mod key;
mod layers;
mod problem;

pub use analyze::AnalyzeConfig;
pub use discover::FILE_NAME;
pub use exclude::Exclude;
pub use layers::{Lower, load};
pub use problem::Problem;

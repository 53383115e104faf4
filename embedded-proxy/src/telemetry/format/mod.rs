//! Envoy's substitution format strings (`%REQ(:METHOD)%`): compiled once, rendered for access logs, header edits and
//! local replies.

mod coalesce;
mod command;
mod context;
mod environment;
mod facts;
mod field;
mod json;
mod metadata;
mod parse;
mod path;
mod piece;
mod substitution;
#[cfg(test)]
mod tests;
mod text;
mod time;

pub use context::{FormatContext, LogType};
pub use environment::{set_environment, variable};
pub use facts::any_grpc_status;
pub use json::{JsonFormat, write_json};
pub use path::decode as percent_decode;
pub use piece::Piece;
pub use substitution::Substitution;
pub use text::{DEFAULT, Format};

//! Trees of matchers: `xds.type.matcher.v3.Matcher`, which ends in an action. Each use says what its actions are and
//! which values its trees may look at.

mod condition;
mod domains;
mod input;
mod ranges;
mod read;
#[cfg(test)]
mod tests;
mod walk;

pub use input::{Datum, Input, Level, Network, Values};
pub use walk::MatchTree;

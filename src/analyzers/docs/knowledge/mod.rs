//! What is known about the programs that scripts call: data only, one file per program or subject.

pub mod charts;
pub mod commands;
pub mod flags;
pub mod kinds;
pub mod labels;
pub mod releases;

//! Manifest input: files, directories, stdin, Markdown and scripts become span trees with their origin.

pub mod embedded;
pub mod file;
pub mod input;
pub mod limits;
pub mod markdown;
pub mod parse;
#[cfg(test)]
mod parse_tests;
pub mod pieces;
pub mod relocate;
pub mod resolve;
pub mod shell;
pub mod sniff;
pub mod source;
pub mod tree;

//! Shell scripts: the commands and here-documents of a POSIX or bash script, each word with its place.
//!
//! This reads what a person wrote; it runs nothing and expands nothing. Control structure (`if`, `for`, `case`, functions,
//! subshells) is stepped over so that the commands inside it remain; commands in `$(..)` and backquotes count as well.
//! The rules are those of the POSIX shell grammar (IEEE 1003.1, volume Shell & Utilities, chapter 2) and of bash's manual.
//! One pass over the text; no input makes it fail.

mod command;
mod lexer;
#[cfg(test)]
mod tests;
mod word;

pub use command::{Command, Heredoc, Operator, Redirect, Script, Word};

/// Reads a script. Spans are byte offsets into `text`.
pub fn parse(text: &str) -> Script {
    lexer::Lexer::new(text).script()
}

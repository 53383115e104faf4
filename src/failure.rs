//! The error at the command edge: what kind it is (hence the exit code), the chain of causes, and what to do next.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::exit::Exit;

/// Who has to act, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line asks for something that does not exist or does not fit together.
    Usage,
    /// A file, stdin or the output cannot be read or written.
    Input,
    /// meshctl.yaml or an environment variable is wrong.
    Config,
    /// The cluster cannot be reached or refuses access.
    Cluster,
    /// A bug in meshctl.
    Bug,
}

impl Kind {
    const fn exit(self) -> Exit {
        match self {
            Self::Usage | Self::Input | Self::Config => Exit::Usage,
            Self::Cluster => Exit::Cluster,
            Self::Bug => Exit::Bug,
        }
    }
}

/// Why a command gave up. Modules have their own `thiserror` enums; they become a `Failure` where a command returns.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
}

impl Failure {
    /// A failure of this kind; `error` is a message or an error with its sources.
    pub fn new(kind: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, error: error.into(), hints: Vec::new() }
    }

    /// The command line is wrong (exit 2).
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Usage, error)
    }

    /// Something cannot be read or written (exit 2).
    pub fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Input, error)
    }

    /// The configuration is wrong (exit 2).
    pub fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Config, error)
    }

    /// A bug in meshctl (exit 70).
    pub fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Bug, error)
    }

    /// Adds the next step for the reader, a whole sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit that this failure leads to.
    pub const fn exit(&self) -> Exit {
        self.kind.exit()
    }

    /// Writes the message, its causes and the hints, one a line.
    pub fn render(&self, out: &mut impl Write) -> io::Result<()> {
        let error = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let hint = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        let label = if self.kind == Kind::Bug { "bug in meshctl" } else { "error" };
        writeln!(out, "{error}{label}:{error:#} {}", self.error)?;
        let mut cause = self.error.source();
        while let Some(this) = cause {
            writeln!(out, "  because: {this}")?;
            cause = this.source();
        }
        for text in &self.hints {
            writeln!(out, "{hint}hint:{hint:#} {text}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// For `?` on writes to the terminal. Errors of files need a sentence that names the file: use [`Failure::input`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::input(OutputError(error))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write the output")]
struct OutputError(#[source] io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(failure: &Failure) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        failure.render(&mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn message_then_causes_then_hints() {
        let failure = Failure::from(io::Error::other("disk is full")).hint("Free some space.");
        assert_eq!(
            rendered(&failure),
            "error: cannot write the output\n  because: disk is full\nhint: Free some space.\n"
        );
        assert_eq!(failure.exit(), Exit::Usage);
    }

    #[test]
    fn a_bug_says_so() {
        assert_eq!(rendered(&Failure::bug("no route")), "bug in meshctl: no route\n");
    }
}

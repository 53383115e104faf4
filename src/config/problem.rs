//! What can be wrong with the configuration. Every message names its place.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::failure::Failure;

/// An error in meshctl.yaml or in an environment variable.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file that `--config` names does not exist, or a file that was found cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not YAML, or not a mapping at the top.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Place,
        /// Why.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{at}: there is no setting `{key}`{in_section}")]
    UnknownKey {
        /// Where.
        at: Place,
        /// What stands there.
        key: String,
        /// Empty, or ` under NAME`.
        in_section: String,
        /// What was probably meant.
        near: Option<&'static str>,
        /// Everything that may stand there.
        known: Vec<&'static str>,
    },
    /// A value of the wrong type or outside of what is allowed.
    #[error("{at}: `{key}`: {reason}")]
    Value {
        /// Where.
        at: Place,
        /// The setting.
        key: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A position in a file, numbers from 1.
    File {
        /// The file as it is shown to users.
        name: String,
        /// Line.
        line: u32,
        /// Column.
        col: u32,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, col } => write!(f, "{name}:{line}:{col}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let hint = match &problem {
            Problem::UnknownKey { near: Some(near), .. } => Some(format!("Did you mean `{near}`?")),
            Problem::UnknownKey { known, .. } => Some(format!("Known here: {}.", known.join(", "))),
            _ => None,
        };
        let failure = Self::config(problem);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

//! The exit codes, one table for every command and every output format.

use std::process::ExitCode;

/// How a run ended. A command returns [`Exit::Ok`] or [`Exit::Findings`]; the others come from a
/// [`Failure`](crate::failure::Failure), except when a command has output to give and still could not read a part of
/// its input ([`Exit::Usage`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done, and nothing at or over the failure threshold.
    Ok,
    /// 1: findings at or over the failure threshold, or something checked is unhealthy.
    Findings,
    /// 2: wrong usage, bad configuration, or input that cannot be read.
    Usage,
    /// 3: the cluster cannot be reached or refuses access.
    Cluster,
    /// 70: a bug in meshctl (EX_SOFTWARE of sysexits).
    Bug,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Cluster => 3,
            Self::Bug => 70,
        }
    }

    /// The worse of two ends, for commands that do several things.
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_input_outranks_findings() {
        assert_eq!(Exit::Findings.worse(Exit::Usage), Exit::Usage);
        assert_eq!(Exit::Ok.worse(Exit::Findings).code(), 1);
    }
}

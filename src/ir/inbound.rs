//! What a server side accepts: mutual TLS, and its own limits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Origin, Pool, Scope};

/// Mutual TLS of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutualTls {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// The mode; that of the next wider scope when not set.
    pub mode: Option<MutualTlsMode>,
    /// Modes of single ports of the workload, with where they are declared.
    pub ports: BTreeMap<u16, (Option<MutualTlsMode>, Origin)>,
}

/// What a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MutualTlsMode {
    /// Plain traffic only.
    Off,
    /// Both.
    Permissive,
    /// Mutual TLS only.
    Strict,
}

impl MutualTlsMode {
    /// The word that people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "DISABLE",
            Self::Permissive => "PERMISSIVE",
            Self::Strict => "STRICT",
        }
    }
}

/// Limits that a server puts on what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Where they are declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// One port of the workload, or all.
    pub port: Option<u16>,
    /// Limits of connections and requests.
    pub pool: Option<Pool>,
    /// Time for a request.
    pub timeout: Option<Duration>,
}

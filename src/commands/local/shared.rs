//! What the commands of a local mesh share: the state directory, and the way to the process that runs there.

use std::path::PathBuf;

use crate::config::env;
use crate::failure::Failure;
use crate::local::control::{self, AskError};
use crate::local::message::{Ask, Reply};

/// Where the mesh runs.
#[derive(Debug, clap::Args)]
pub struct StateFlag {
    /// State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    state: Option<PathBuf>,
}

impl StateFlag {
    /// The directory.
    pub fn directory(&self) -> PathBuf {
        if let Some(state) = &self.state {
            return state.clone();
        }
        if let Some(runtime) = env::variable("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()) {
            return PathBuf::from(runtime).join("meshctl-local");
        }
        let user = env::variable("USER").filter(|user| !user.is_empty()).unwrap_or_else(|| "user".to_owned());
        std::env::temp_dir().join(format!("meshctl-local-{user}"))
    }

    /// Asks the mesh that runs there.
    pub fn ask(&self, ask: &Ask) -> Result<Reply, Failure> {
        let runtime = runtime()?;
        let reply = runtime.block_on(control::ask(&self.directory(), ask));
        match reply {
            Ok(Reply::Refused(reason)) => Err(Failure::usage(reason)),
            Ok(reply) => Ok(reply),
            Err(error @ AskError::Absent(_)) => {
                Err(Failure::input(error)
                    .hint("Start one with `meshctl local up -f DIR`; --state names its directory."))
            }
            Err(error) => Err(Failure::input(error)),
        }
    }
}

/// A runtime of this command.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(Failure::input)
}

/// An answer that the question does not have: another version runs there.
pub fn strange() -> Failure {
    Failure::input("the local mesh answered another question")
        .hint("Stop it, and start it with this version of meshctl.")
}

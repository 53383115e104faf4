//! The state directory: who runs there, and the socket that other commands speak to.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Held for as long as the mesh runs; the kernel lets it go when the process ends.
const LOCK: &str = "lock";
/// The control socket.
const SOCKET: &str = "control.sock";

/// A state directory that this process has.
#[derive(Debug)]
pub struct State {
    directory: PathBuf,
    _lock: File,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it.
    #[error("a local mesh runs already with the state directory {directory} (process {pid})")]
    Taken {
        /// The directory.
        directory: PathBuf,
        /// The process, or `unknown`.
        pid: String,
    },
    /// The system refuses.
    #[error("cannot use the state directory {0}")]
    Io(PathBuf, #[source] io::Error),
}

impl State {
    /// Takes a directory, which is made when it does not exist.
    pub fn take(directory: &Path) -> Result<Self, StateError> {
        let failed = |error| StateError::Io(directory.to_owned(), error);
        make(directory).map_err(failed)?;
        let mut options = File::options();
        let mut lock =
            options.read(true).write(true).create(true).truncate(false).open(directory.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = lock.read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
                return Err(StateError::Taken { directory: directory.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(failed)?;
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { directory: directory.to_owned(), _lock: lock })
    }

    /// Opens the control socket; one that an earlier process left is replaced.
    pub fn listen(&self) -> Result<UnixListener, StateError> {
        let path = socket(&self.directory);
        let failed = |error| StateError::Io(self.directory.clone(), error);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        UnixListener::bind(&path).map_err(failed)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for name in [SOCKET, LOCK] {
            let _ = std::fs::remove_file(self.directory.join(name));
        }
        // Only when nothing else is in it.
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// The control socket of a state directory.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// A directory that only this user enters: who speaks to the socket speaks as any workload.
fn make(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_mesh() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let first = State::take(&directory).unwrap();
        let second = State::take(&directory).unwrap_err();
        assert!(second.to_string().contains(&format!("process {}", std::process::id())), "{second}");
        drop(first);
        assert!(!directory.exists(), "nothing is left");
        State::take(&directory).unwrap();
    }
}

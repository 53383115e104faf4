//! Unix sockets that listen.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::net::system_path;

/// The file of a unix socket. Dropping it removes the file, unless another socket has taken its place; an abstract socket
/// has no file.
#[derive(Debug)]
pub struct Pipe {
    file: Option<(PathBuf, Id)>,
}

/// Device and number of a file.
type Id = (u64, u64);

impl Pipe {
    /// Listens at a path. A socket that an earlier process left there is replaced, any other file is not. `mode`:
    /// permissions of the file, 0 for what the process has set. They are there before the first client can connect.
    pub fn open(path: &str, mode: u32, backlog: i32) -> io::Result<(UnixListener, Self)> {
        let at = system_path(path);
        let file = (!path.starts_with('@')).then_some(&at);
        if let Some(file) = file {
            remove_stale(file)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        socket.bind(&SockAddr::unix(&at)?)?;
        let file = match file {
            Some(file) => Some((file.clone(), id(file)?)),
            None => None,
        };
        // From here on the file is removed when something fails.
        let pipe = Self { file };
        if let Some((file, _)) = pipe.file.as_ref().filter(|_| mode != 0) {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode))?;
        }
        socket.listen(backlog)?;
        Ok((socket.into(), pipe))
    }
}

fn id(file: &Path) -> io::Result<Id> {
    let metadata = std::fs::symlink_metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn remove_stale(file: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(file) {
        Ok(metadata) if metadata.file_type().is_socket() => std::fs::remove_file(file),
        // Binding says what is wrong.
        _ => Ok(()),
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if let Some((file, own)) = &self.file
            && id(file).is_ok_and(|now| now == *own)
        {
            let _ = std::fs::remove_file(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_file_comes_with_its_permissions_and_goes_with_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let text = path.to_str().unwrap();
        let (first, old) = Pipe::open(text, 0o600, 9).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        let (_second, new) = Pipe::open(text, 0, 9).unwrap();
        drop((first, old));
        UnixStream::connect(&path).unwrap();
        drop(new);
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(Pipe::open(text, 0, 9).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}

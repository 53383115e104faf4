//! Where the control plane listens, and how it is named.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::control_plane::server::ListenError;
use crate::failure::Failure;
use crate::ir::Identity;

/// `NAMESPACE/ACCOUNT=FILE`: a token for an identity, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile {
    /// The identity.
    pub identity: Identity,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for TokenFile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "it has to be NAMESPACE/SERVICE_ACCOUNT=FILE";
        let (identity, path) = text.split_once('=').ok_or(wanted)?;
        let (namespace, account) = identity.split_once('/').ok_or(wanted)?;
        if namespace.is_empty() || account.is_empty() || path.is_empty() {
            return Err(wanted);
        }
        let identity = Identity { namespace: namespace.into(), account: account.into(), service: None };
        Ok(Self { identity, path: path.into() })
    }
}

/// Writes a secret for its owner alone; a file that is there is replaced.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    options.open(&part)?.write_all(text.as_bytes())?;
    std::fs::rename(part, path)
}

/// The failure of a listener, with what to do.
pub fn not_listening(error: ListenError, flag: &str) -> Failure {
    let hint = match &error {
        ListenError::NotLoopback(_) => format!("Give a loopback address to {flag}, or use --tls-listen."),
        ListenError::Bind(..) => format!("Something may listen there already; {flag} takes another address."),
    };
    Failure::input(error).hint(hint)
}

/// The address that a listener got, for people.
pub fn shown(name: &str, address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|_| format!("{name} ?"), |address| format!("{name} {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_files_name_an_identity() {
        let file: TokenFile = "shop/web=/run/token".parse().unwrap();
        assert_eq!((&*file.identity.namespace, &*file.identity.account), ("shop", "web"));
        for bad in ["", "shop=/x", "/web=/x", "shop/web"] {
            assert!(bad.parse::<TokenFile>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_their_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "old").unwrap();
        write_secret(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

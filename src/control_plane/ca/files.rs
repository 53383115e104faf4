//! An authority in a directory, under the names that Istio's secret `cacerts` has. What is not there is made.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::authority::{Authority, CaError, Pair, new_issuer, new_root};

const ROOT: &str = "root-cert.pem";
const ROOT_KEY: &str = "root-key.pem";
const ISSUER: &str = "ca-cert.pem";
const ISSUER_KEY: &str = "ca-key.pem";
const CHAIN: &str = "cert-chain.pem";

impl Authority {
    /// The authority of a directory. `root-cert.pem` may hold several roots, all of which are trusted: that is how a root
    /// is replaced. Keys that are made are readable by their owner alone.
    pub fn in_directory(trust_domain: &str, directory: &Path) -> Result<Self, CaError> {
        if !directory.join(ISSUER_KEY).exists() {
            make(trust_domain, directory)?;
        }
        let issuer = Pair { key: read(directory, ISSUER_KEY)?, certificate: read(directory, ISSUER)? };
        let roots = read(directory, ROOT)?;
        Self::from_pem(trust_domain, &issuer, between(directory, &issuer, &roots)?, roots)
    }
}

/// Makes what is missing: the root unless it is there with its key, and an issuer.
fn make(trust_domain: &str, directory: &Path) -> Result<(), CaError> {
    let failed = |error| CaError::File(format!("cannot make `{}`", directory.display()), error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    if !directory.join(ROOT).exists() {
        let root = new_root(trust_domain)?;
        write(directory, ROOT_KEY, &root.key, 0o600)?;
        write(directory, ROOT, &root.certificate, 0o644)?;
    }
    let root = Pair { key: read(directory, ROOT_KEY)?, certificate: read(directory, ROOT)? };
    let issuer = new_issuer(trust_domain, &root)?;
    write(directory, ISSUER, &issuer.certificate, 0o644)?;
    write(directory, ISSUER_KEY, &issuer.key, 0o600)
}

/// Certificates between issuer and root, of `cert-chain.pem`.
fn between(directory: &Path, issuer: &Pair, roots: &str) -> Result<Vec<String>, CaError> {
    if !directory.join(CHAIN).exists() {
        return Ok(Vec::new());
    }
    let same = |text: &str| text.split_whitespace().collect::<String>();
    let known = [same(&issuer.certificate), same(roots)];
    let end = "-----END CERTIFICATE-----";
    let chain = read(directory, CHAIN)?;
    let parts = chain.split_inclusive(end).filter(|part| part.contains(end)).map(|part| format!("{}\n", part.trim()));
    Ok(parts.filter(|part| !known.iter().any(|known| known.contains(&same(part)))).collect())
}

fn read(directory: &Path, name: &str) -> Result<String, CaError> {
    let path = directory.join(name);
    std::fs::read_to_string(&path).map_err(|error| CaError::File(format!("cannot read `{}`", path.display()), error))
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) -> Result<(), CaError> {
    let path = directory.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CaError::File(format!("cannot write `{}`", path.display()), error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_authority_is_made_once_and_its_keys_are_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("ca");
        let first = Authority::in_directory("td", &directory).unwrap();
        let again = Authority::in_directory("td", &directory).unwrap();
        assert_eq!(first.roots(), again.roots());
        for key in [ROOT_KEY, ISSUER_KEY] {
            let mode = std::fs::metadata(directory.join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn a_second_root_is_trusted_and_a_wrong_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::in_directory("td", folder.path()).unwrap();
        let other = new_root("td").unwrap();
        std::fs::write(folder.path().join(ROOT), format!("{}{}", first.roots(), other.certificate)).unwrap();
        let both = Authority::in_directory("td", folder.path()).unwrap();
        assert!(both.roots().contains(&other.certificate) && both.roots().contains(first.roots()));
        std::fs::write(folder.path().join(ISSUER_KEY), &other.key).unwrap();
        assert!(matches!(Authority::in_directory("td", folder.path()), Err(CaError::Unusable(..))));
    }
}

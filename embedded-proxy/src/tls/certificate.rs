//! Own certificates with their keys: `envoy.extensions.transport_sockets.tls.v3.TlsCertificate`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::data::Data;
use super::facts::CertificateFacts;
use super::names::dns_matches;
use crate::proto::Reader;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateSource {
    chain: Data,
    key: Data,
}

/// A certificate that can be shown, with its chain and key. The key is never printed.
pub struct Certificate {
    /// What TLS needs.
    pub(super) key: Arc<CertifiedKey>,
    /// What the certificate says.
    pub facts: CertificateFacts,
    /// What each certificate of the chain says, its own first: for dumps.
    pub chain: Vec<CertificateFacts>,
    /// The file it is in, or `<inline>`.
    pub origin: String,
}

impl CertificateSource {
    /// Reads the message. None: a defect was noted. Staples, key providers and PKCS #12 are not taken here, which makes
    /// them defects.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Files are looked at every few seconds.
        reader.ignore(&["watched_directory"]);
        let chain = reader.need("certificate_chain").and_then(|source| Data::read(&source));
        let key = reader.need("private_key").and_then(|source| Data::read(&source));
        Some(Self { chain: chain?, key: key? })
    }

    /// Certificate and key from PEM in memory.
    pub fn from_pem(chain: String, key: String) -> Self {
        Self { chain: Data::Inline(chain.into()), key: Data::Inline(key.into()) }
    }

    /// Files that may change.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [self.chain.file(), self.key.file()].into_iter().flatten()
    }

    /// Reads and checks certificate and key.
    pub fn load(&self) -> Result<Certificate, String> {
        let origin = self.chain.describe();
        let bytes = self.chain.load()?;
        let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let chain = chain.map_err(|error| format!("certificate chain {origin}: {error}"))?;
        if chain.is_empty() {
            return Err(format!("certificate chain {origin}: holds no certificate"));
        }
        let facts: Result<Vec<CertificateFacts>, String> =
            chain.iter().map(|der| CertificateFacts::read(der)).collect();
        let facts = facts.map_err(|error| format!("certificate chain {origin}: {error}"))?;
        // What is wrong with a key is not told in detail: details could hold parts of it.
        let wrong = || format!("private key {}: not a key in PEM that the proxy can use", self.key.describe());
        let key = PrivateKeyDer::from_pem_slice(&self.key.load()?).map_err(|_| wrong())?;
        let key = CertifiedKey::new(chain, any_supported_type(&key).map_err(|_| wrong())?);
        key.keys_match()
            .map_err(|_| format!("private key {}: does not belong to the certificate", self.key.describe()))?;
        Ok(Certificate { key: Arc::new(key), facts: facts[0].clone(), chain: facts, origin })
    }
}

impl Certificate {
    /// Whether it stands for a server name: exactly (2), by a wildcard (1), or not (0).
    pub(super) fn fits(&self, server_name: &str) -> u8 {
        let fits = |name: &str| {
            if name.eq_ignore_ascii_case(server_name) { 2 } else { u8::from(dns_matches(name, server_name)) }
        };
        // The common name counts only for certificates without DNS names.
        match self.facts.dns().map(fits).max() {
            Some(best) => best,
            None => self.facts.common_name.as_deref().map_or(0, fits),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("facts", &self.facts).field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Ca;
    use super::*;

    #[test]
    fn key_and_certificate_must_belong_together_and_keys_are_not_printed() {
        let ca = Ca::new("root");
        let (one, other) = (ca.dns(&["a.b.c", "*.b.c"]), ca.dns(&["x"]));
        let source = CertificateSource::from_pem(one.pem.clone(), one.key.clone());
        let certificate = source.load().unwrap();
        assert_eq!((certificate.fits("A.b.c"), certificate.fits("z.b.c"), certificate.fits("b.c")), (2, 1, 0));
        let printed = format!("{source:?} {certificate:?}");
        assert!(!printed.contains("PRIVATE") && !printed.contains(&one.key[40..60]), "{printed}");
        let error = |chain: &str, key: &str| CertificateSource::from_pem(chain.into(), key.into()).load().unwrap_err();
        assert_eq!(error(&one.pem, &other.key), "private key <inline>: does not belong to the certificate");
        assert!(error("", &one.key).contains("holds no certificate"));
        assert!(error(&one.pem, &one.pem).contains("not a key"));
    }
}

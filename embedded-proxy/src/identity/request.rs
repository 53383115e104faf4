//! A key and the request to sign it.

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};

/// A new key, and the request for its certificate. The key is never printed.
pub(super) struct Request {
    key: KeyPair,
    /// The request, PEM.
    pub csr: String,
}

impl Request {
    /// A new ECDSA P-256 key, and a request for a certificate that holds `id` as its only name.
    pub fn new(id: &str) -> Result<Self, String> {
        let failed = |error: rcgen::Error| format!("the request for a certificate cannot be made: {error}");
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(id.try_into().map_err(failed)?)];
        let csr = params.serialize_request(&key).and_then(|request| request.pem()).map_err(failed)?;
        Ok(Self { key, csr })
    }

    /// The key, PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

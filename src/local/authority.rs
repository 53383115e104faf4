//! Signs the certificates of the proxies, without a way over the network: the root's key is in this process alone, and each
//! proxy's signer gives one identity, whatever the request says.

use std::time::Duration;

use embedded_proxy::identity::{Authority, Signed};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use std::sync::Arc;

/// The mesh's root.
pub struct Root {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}

impl Root {
    /// A new one.
    pub fn new() -> Result<Self, String> {
        let text = |error: rcgen::Error| error.to_string();
        let key = KeyPair::generate().map_err(text)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "meshctl local");
        let certificate = params.self_signed(&key).map_err(text)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The signer of one identity.
    pub fn authority(self: &Arc<Self>, id: String) -> Signer {
        Signer { root: Arc::clone(self), id }
    }

    fn sign(&self, csr: &str, id: &str, lifetime: Duration) -> Result<Vec<String>, String> {
        let text = |error: rcgen::Error| error.to_string();
        let mut request = CertificateSigningRequestParams::from_pem(csr).map_err(text)?;
        let name = id.try_into().map_err(text)?;
        let now = std::time::SystemTime::now();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(name)];
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        // Clocks differ a little.
        params.not_before = (now - Duration::from_secs(60)).into();
        params.not_after = (now + lifetime).into();
        request.params = params;
        let signed = request.signed_by(&self.issuer).map_err(text)?;
        Ok(vec![signed.pem(), self.certificate.clone()])
    }
}

/// Signs for one identity.
#[derive(Debug, Clone)]
pub struct Signer {
    root: Arc<Root>,
    id: String,
}

impl Authority for Signer {
    fn sign(&self, csr: String, lifetime: Duration) -> Signed {
        let signed = self.root.sign(&csr, &self.id, lifetime);
        Box::pin(std::future::ready(signed))
    }
}

//! Keys and certificates of the authority, and what it signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::ir::Identity;

const DAY: Duration = Duration::from_secs(86_400);
/// Life of a root.
const ROOT_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// Life of an issuer.
const ISSUER_LIFE: Duration = Duration::from_secs(365 * 86_400);
/// Longest life of a certificate of a proxy, and what one that asks for none gets.
const LEAF_LIFE: Duration = DAY;
/// Clocks differ: certificates begin so long before now.
const SKEW: Duration = Duration::from_secs(120);

/// Why something cannot be signed or read. No message holds a key.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String, #[source] std::io::Error),
    /// The text is no certificate or key.
    #[error("{0} is no usable {1}")]
    Unusable(String, &'static str),
    /// The request is not one.
    #[error("the certificate request cannot be used: {0}")]
    Request(rcgen::Error),
    /// The identity cannot be in a certificate.
    #[error("{0:?} cannot be the name in a certificate")]
    Name(String),
    /// Signing failed.
    #[error("the certificate cannot be signed: {0}")]
    Sign(rcgen::Error),
    /// The issuer's own certificate has ended, or ends in a moment.
    #[error("the issuer's certificate is not valid any more")]
    Ended,
}

/// An authority. Its keys are never printed.
pub struct Authority {
    trust_domain: String,
    issuer: Issuer<'static, KeyPair>,
    /// The issuer's certificate and those above it without the root, PEM.
    chain: Vec<String>,
    /// All trusted roots, PEM; several while the root is being replaced.
    roots: String,
    ends: SystemTime,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("trust_domain", &self.trust_domain)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// Key and certificate, PEM.
pub(super) struct Pair {
    pub key: String,
    pub certificate: String,
}

impl Authority {
    /// A new root and issuer whose keys are only in memory.
    pub fn in_memory(trust_domain: &str) -> Result<Self, CaError> {
        let root = new_root(trust_domain)?;
        let issuer = new_issuer(trust_domain, &root)?;
        Self::from_pem(trust_domain, &issuer, Vec::new(), root.certificate)
    }

    /// An authority of what is given: the issuer, certificates between it and the root, and the roots.
    pub(super) fn from_pem(
        trust_domain: &str,
        issuer: &Pair,
        between: Vec<String>,
        roots: String,
    ) -> Result<Self, CaError> {
        let key = KeyPair::from_pem(&issuer.key).map_err(|_| CaError::Unusable("the issuer's key".into(), "key"))?;
        let unusable = || CaError::Unusable("the issuer's certificate".into(), "certificate");
        let (_, pem) = x509_parser::pem::parse_x509_pem(issuer.certificate.as_bytes()).map_err(|_| unusable())?;
        let certificate = pem.parse_x509().map_err(|_| unusable())?;
        if !certificate.is_ca() || certificate.public_key().raw != key_info(&key) {
            return Err(unusable());
        }
        let ends = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
        let ends = UNIX_EPOCH + Duration::from_secs(ends);
        let chain = std::iter::once(issuer.certificate.clone()).chain(between).collect();
        let issuer = Issuer::from_ca_cert_pem(&issuer.certificate, key).map_err(|_| unusable())?;
        Ok(Self { trust_domain: trust_domain.to_owned(), issuer, chain, roots, ends })
    }

    /// The trust domain of the identities that it signs.
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The trusted roots, PEM.
    pub fn roots(&self) -> &str {
        &self.roots
    }

    /// Signs the key of a request for an identity. Nothing else of the request counts. Gives the chain with the roots last.
    pub fn sign(&self, request: &str, identity: &Identity, life: Duration) -> Result<Vec<String>, CaError> {
        let request = CertificateSigningRequestParams::from_pem(request).map_err(CaError::Request)?;
        let id = identity.spiffe(&self.trust_domain);
        let name = id.as_str().try_into().map_err(|_| CaError::Name(id.clone()))?;
        let mut params = self.params(life)?;
        params.subject_alt_names = vec![SanType::URI(name)];
        let certificate = params.signed_by(&request.public_key, &self.issuer).map_err(CaError::Sign)?;
        Ok(self.whole(certificate.pem()))
    }

    /// A key and a certificate for a server of these DNS names and addresses: chain and key, PEM.
    pub fn server(&self, names: &[String], identity: &Identity) -> Result<(Vec<String>, String), CaError> {
        let key = KeyPair::generate().map_err(CaError::Sign)?;
        let mut params = self.params(LEAF_LIFE)?;
        let id = identity.spiffe(&self.trust_domain);
        let uri = SanType::URI(id.as_str().try_into().map_err(|_| CaError::Name(id.clone()))?);
        params.subject_alt_names.push(uri);
        for name in names {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|_| CaError::Name(name.clone()))?),
            });
        }
        let certificate = params.signed_by(&key, &self.issuer).map_err(CaError::Sign)?;
        let mut chain = vec![certificate.pem()];
        chain.extend(self.chain.iter().cloned());
        Ok((chain, key.serialize_pem()))
    }

    fn whole(&self, leaf: String) -> Vec<String> {
        std::iter::once(leaf).chain(self.chain.iter().cloned()).chain([self.roots.clone()]).collect()
    }

    /// A certificate of a proxy or server, without names.
    fn params(&self, life: Duration) -> Result<CertificateParams, CaError> {
        let now = SystemTime::now();
        let left = self.ends.duration_since(now).map_err(|_| CaError::Ended)?;
        let life = if life.is_zero() { LEAF_LIFE } else { life.min(LEAF_LIFE) }.min(left);
        let mut params = validity(now, life);
        params.distinguished_name = DistinguishedName::new();
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params)
    }
}

fn key_info(key: &KeyPair) -> Vec<u8> {
    use rcgen::PublicKeyData as _;
    key.subject_public_key_info()
}

fn validity(now: SystemTime, life: Duration) -> CertificateParams {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.not_before = epoch + since.saturating_sub(SKEW);
    params.not_after = epoch + since + life;
    params
}

fn authority_params(trust_domain: &str, name: &str, life: Duration, below: u8) -> CertificateParams {
    let mut params = validity(SystemTime::now(), life);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, trust_domain);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A root that signs itself.
pub(super) fn new_root(trust_domain: &str) -> Result<Pair, CaError> {
    let key = KeyPair::generate().map_err(CaError::Sign)?;
    let params = authority_params(trust_domain, "meshctl root", ROOT_LIFE, 1);
    let certificate = params.self_signed(&key).map_err(CaError::Sign)?;
    Ok(Pair { key: key.serialize_pem(), certificate: certificate.pem() })
}

/// An issuer below a root.
pub(super) fn new_issuer(trust_domain: &str, root: &Pair) -> Result<Pair, CaError> {
    let unusable = |what: &'static str| CaError::Unusable(format!("the root's {what}"), what);
    let root_key = KeyPair::from_pem(&root.key).map_err(|_| unusable("key"))?;
    let root = Issuer::from_ca_cert_pem(&root.certificate, root_key).map_err(|_| unusable("certificate"))?;
    let key = KeyPair::generate().map_err(CaError::Sign)?;
    let mut params = authority_params(trust_domain, "meshctl issuer", ISSUER_LIFE, 0);
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &root).map_err(CaError::Sign)?;
    Ok(Pair { key: key.serialize_pem(), certificate: certificate.pem() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { namespace: "shop".into(), account: "web".into(), service: None }
    }

    #[test]
    fn only_the_key_of_a_request_counts() {
        let authority = Authority::in_memory("td").unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI("spiffe://td/ns/admin/sa/admin".try_into().unwrap())];
        params.distinguished_name.push(DnType::CommonName, "admin");
        let request = params.serialize_request(&key).unwrap().pem().unwrap();
        let chain = authority.sign(&request, &identity(), Duration::from_secs(u64::MAX / 4)).unwrap();
        assert_eq!(chain.len(), 3, "leaf, issuer, roots");
        let (_, pem) = x509_parser::pem::parse_x509_pem(chain[0].as_bytes()).unwrap();
        let leaf = pem.parse_x509().unwrap();
        assert_eq!(leaf.public_key().raw, key_info(&key));
        assert_eq!(leaf.subject().to_string(), "");
        assert!(!leaf.is_ca());
        let life = leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp();
        assert_eq!(life, 86_400 + 120);
        assert_eq!(super::super::of_certificate(&pem.contents, "td"), Ok(identity()));
        let (_, pem) = x509_parser::pem::parse_x509_pem(chain[1].as_bytes()).unwrap();
        leaf.verify_signature(Some(pem.parse_x509().unwrap().public_key())).unwrap();
    }

    #[test]
    fn what_is_no_request_is_refused_and_keys_are_not_shown() {
        let authority = Authority::in_memory("td").unwrap();
        assert!(authority.sign("hello", &identity(), DAY).is_err());
        let odd = Identity { account: "a b\u{e9}".into(), ..identity() };
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        assert!(matches!(authority.sign(&request, &odd, DAY), Err(CaError::Name(_))));
        assert!(!format!("{authority:?}").contains("PRIVATE"));
    }
}

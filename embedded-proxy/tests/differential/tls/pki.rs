//! Authorities and certificates of the TLS cases.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};
use serde_json::{Value, json};

/// An authority.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What is special about a certificate.
#[derive(Clone, Copy, Default)]
pub struct Leaf<'l> {
    /// Common name; there is always an organisation.
    pub name: &'l str,
    /// URI names.
    pub uris: &'l [&'l str],
    /// DNS names.
    pub dns: &'l [&'l str],
    /// Its validity is over.
    pub expired: bool,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Mesh");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Ca {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// A `TlsCertificate` that it signs; the chain holds the authority, too.
    pub fn leaf(&self, leaf: Leaf<'_>) -> Value {
        let mut params = params(leaf.name);
        let uris = leaf.uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("a URI")));
        let dns = leaf.dns.iter().map(|dns| SanType::DnsName((*dns).try_into().expect("a name")));
        params.subject_alt_names = uris.chain(dns).collect();
        if leaf.expired {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = format!("{}{}", certificate.pem(), self.issuer.pem());
        json!({"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key.serialize_pem()}})
    }

    /// A `CertificateValidationContext` that trusts it and asks for names.
    pub fn trust(&self, names: &[(&str, Value)]) -> Value {
        let names: Vec<Value> =
            names.iter().map(|(kind, matcher)| json!({"san_type": kind, "matcher": matcher})).collect();
        json!({"trusted_ca": {"inline_string": self.issuer.pem()}, "match_typed_subject_alt_names": names})
    }
}

//! Certificates of workloads.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};

/// An authority.
pub struct Pki(CertifiedIssuer<'static, KeyPair>);

/// The identity of a service account.
pub fn identity(account: &str) -> String {
    format!("spiffe://cluster.local/ns/shop/sa/{account}")
}

impl Pki {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// `CommonTlsContext` of a workload whose peers have one of these names.
    pub fn context(&self, account: &str, peers: &[Value]) -> Value {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(identity(account).as_str().try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        json!({
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [{
                "certificate_chain": {"inline_string": certificate.pem()},
                "private_key": {"inline_string": key.serialize_pem()},
            }],
            "validation_context": {
                "trusted_ca": {"inline_string": self.0.pem()},
                "match_typed_subject_alt_names": peers,
            },
        })
    }
}

/// A name that a peer must have.
pub fn named(account: &str) -> Value {
    json!({"san_type": "URI", "matcher": {"exact": identity(account)}})
}

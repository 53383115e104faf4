//! A root and one certificate for both sides of the mTLS pair.

use std::error::Error;
use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// Writes `ca.pem`, `cert.pem`, `key.pem` and `both.pem` (HAProxy wants certificate and key in one file).
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let ca_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    // Names that differ: a leaf that is called like its issuer counts as self-signed.
    params.distinguished_name.push(DnType::CommonName, "bench root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key)?;
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["bench.local".to_string()])?;
    params.distinguished_name.push(DnType::CommonName, "bench leaf");
    params.subject_alt_names.push(SanType::URI("spiffe://bench/ns/a/sa/b".try_into()?));
    let cert = params.signed_by(&key, &issuer)?;
    fs::write(folder.join("ca.pem"), ca.pem())?;
    fs::write(folder.join("cert.pem"), cert.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    fs::write(folder.join("both.pem"), cert.pem() + &key.serialize_pem())?;
    Ok(())
}

//! What is read out of certificates: names, validity, and the texts that logs and headers show.

use std::fmt::Write as _;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

/// A name of a certificate, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// DNS name.
    Dns(String),
    /// URI.
    Uri(String),
    /// Mail address.
    Email(String),
    /// IP address.
    Ip(IpAddr),
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Alternative names in their order.
    pub names: Vec<Name>,
    /// Subject, RFC 2253.
    pub subject: String,
    /// Issuer, RFC 2253.
    pub issuer: String,
    /// Serial number, lower case hex.
    pub serial: String,
    /// Validity in seconds since 1970, both ends included.
    pub valid: (i64, i64),
    /// Whether it may sign other certificates.
    pub is_ca: bool,
    /// Common name of the subject.
    pub common_name: Option<String>,
}

impl CertificateFacts {
    /// Reads a certificate.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| format!("not a certificate: {error}"))?;
        if !rest.is_empty() {
            return Err("not a certificate: bytes follow it".into());
        }
        let alternative =
            certificate.subject_alternative_name().map_err(|error| format!("alternative names: {error}"))?;
        let names =
            alternative.map_or_else(Vec::new, |names| names.value.general_names.iter().filter_map(name).collect());
        let constraints = certificate.basic_constraints().map_err(|error| format!("basic constraints: {error}"))?;
        let validity = certificate.validity();
        let common_name = certificate.subject().iter_common_name().next();
        Ok(Self {
            names,
            subject: rfc2253(certificate.subject()),
            issuer: rfc2253(certificate.issuer()),
            serial: hex(certificate.raw_serial()).trim_start_matches("00").to_string(),
            valid: (validity.not_before.timestamp(), validity.not_after.timestamp()),
            is_ca: constraints.is_some_and(|constraints| constraints.value.ca),
            common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_string),
        })
    }

    /// URI names.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            Name::Uri(uri) => Some(uri.as_str()),
            _ => None,
        })
    }

    /// DNS names.
    pub fn dns(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            Name::Dns(dns) => Some(dns.as_str()),
            _ => None,
        })
    }

    /// IP addresses.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.names.iter().filter_map(|name| match name {
            Name::Ip(ip) => Some(*ip),
            _ => None,
        })
    }

    /// Mail addresses.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            Name::Email(email) => Some(email.as_str()),
            _ => None,
        })
    }

    /// Whether it is valid at that second.
    pub fn is_valid_at(&self, second: i64) -> bool {
        (self.valid.0..=self.valid.1).contains(&second)
    }
}

fn name(name: &GeneralName<'_>) -> Option<Name> {
    match name {
        GeneralName::DNSName(dns) => Some(Name::Dns((*dns).to_string())),
        GeneralName::URI(uri) => Some(Name::Uri((*uri).to_string())),
        GeneralName::RFC822Name(email) => Some(Name::Email((*email).to_string())),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| Name::Ip(bytes.into())),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| Name::Ip(bytes.into())),
            _ => None,
        },
        _ => None,
    }
}

/// Short names of attributes as OpenSSL prints them.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// A distinguished name as RFC 2253 writes it: last part first.
fn rfc2253(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            let attributes = rdn.iter().map(|attribute| {
                let oid = attribute.attr_type().to_id_string();
                let short = ATTRIBUTES.iter().find(|(id, _)| *id == oid).map(|(_, short)| *short);
                let value = attribute.as_str().map_or_else(|_| hex(attribute.as_slice()), escaped);
                format!("{}={value}", short.unwrap_or(&oid))
            });
            attributes.collect::<Vec<_>>().join("+")
        })
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, letter) in value.chars().enumerate() {
        let edge = letter == ' ' && (at == 0 || at == last) || letter == '#' && at == 0;
        if edge || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// Lower case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    let hash = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider.hash(bytes));
    hash.map(|hash| hash.as_ref().to_vec()).unwrap_or_default()
}

/// SHA-1, which only logs show.
pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// A certificate as PEM.
pub(super) fn pem(der: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::Ca;
    use super::*;

    #[test]
    fn a_certificate_is_read() {
        let ca = Ca::new("root");
        let leaf = ca.leaf(|params| {
            params.subject_alt_names = vec![
                rcgen::SanType::URI("spiffe://td/ns/a/sa/b".try_into().unwrap()),
                rcgen::SanType::DnsName("a.example.com".try_into().unwrap()),
                rcgen::SanType::IpAddress([127, 0, 0, 1].into()),
            ];
            params.distinguished_name.push(rcgen::DnType::CommonName, "a, b");
            params.distinguished_name.push(rcgen::DnType::OrganizationName, "org");
        });
        let facts = CertificateFacts::read(&leaf.der).unwrap();
        assert_eq!(facts.uris().collect::<Vec<_>>(), ["spiffe://td/ns/a/sa/b"]);
        assert_eq!(facts.dns().collect::<Vec<_>>(), ["a.example.com"]);
        assert!(facts.names.contains(&Name::Ip([127, 0, 0, 1].into())));
        assert_eq!((facts.subject.as_str(), facts.issuer.as_str()), ("O=org,CN=a\\, b", "CN=root"));
        assert!(!facts.is_ca && CertificateFacts::read(&ca.der).unwrap().is_ca);
        assert_eq!(pem(&leaf.der.clone().into()).replace("\r\n", "\n"), leaf.pem.replace("\r\n", "\n"));
        assert!(CertificateFacts::read(b"junk").is_err());
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(&sha256(b"abc"))[..16], *"ba7816bf8f01cfea");
    }
}

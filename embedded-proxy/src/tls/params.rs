//! Versions, cipher suites and key exchange groups: `envoy.extensions.transport_sockets.tls.v3.TlsParameters`.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};

use crate::proto::Reader;

/// Suites of TLS 1.2 by OpenSSL's names. Suites of TLS 1.3 are not configured, as in Envoy.
const SUITES: &[(&str, SupportedCipherSuite)] = &[
    ("ECDHE-ECDSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// Suites that Envoy has and that are too weak to be offered here: without forward secrecy, or with CBC. Lists may hold
/// them beside good ones.
const WEAK: &[&str] = &[
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-PSK-AES128-CBC-SHA",
    "ECDHE-PSK-AES256-CBC-SHA",
    "ECDHE-PSK-CHACHA20-POLY1305",
    "PSK-AES128-CBC-SHA",
    "PSK-AES256-CBC-SHA",
];

/// Groups by Envoy's names.
const GROUPS: &[(&str, &dyn SupportedKxGroup)] = &[
    ("X25519MLKEM768", kx_group::X25519MLKEM768),
    ("X25519", kx_group::X25519),
    ("P-256", kx_group::SECP256R1),
    ("P-384", kx_group::SECP384R1),
];

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static OLD: [&SupportedProtocolVersion; 1] = [&TLS12];
static NEW: [&SupportedProtocolVersion; 1] = [&TLS13];

/// What handshakes may negotiate.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub versions: &'static [&'static SupportedProtocolVersion],
    pub provider: Arc<CryptoProvider>,
}

impl Parameters {
    /// Reads the message. None: a defect was noted. Without it, or where it says nothing, TLS 1.2 and 1.3 with all good
    /// suites; post-quantum key exchange first.
    pub fn read(reader: Option<&Reader<'_>>) -> Option<Self> {
        let mut provider = default_provider();
        let Some(reader) = reader else {
            return Some(Self { versions: &BOTH, provider: Arc::new(provider) });
        };
        let (least, most) = (reader.word("tls_minimum_protocol_version"), reader.word("tls_maximum_protocol_version"));
        let versions: &'static [&'static SupportedProtocolVersion] = match (least.as_str(), most.as_str()) {
            (_, "TLSv1_0" | "TLSv1_1") => {
                reader.defect("tls_maximum_protocol_version", "the proxy speaks TLS 1.2 and 1.3 only");
                return None;
            }
            ("TLSv1_3", "TLSv1_2") => {
                reader.defect("tls_maximum_protocol_version", "is lower than the minimum");
                return None;
            }
            ("TLSv1_3", _) => &NEW,
            (_, "TLSv1_2") => &OLD,
            _ => &BOTH,
        };
        let suites = suites(reader)?;
        if !suites.is_empty() {
            provider.cipher_suites.retain(|suite| suite.tls13().is_some());
            provider.cipher_suites.extend(suites);
        }
        let groups = groups(reader)?;
        if !groups.is_empty() {
            provider.kx_groups = groups;
        }
        Some(Self { versions, provider: Arc::new(provider) })
    }
}

fn suites(reader: &Reader<'_>) -> Option<Vec<SupportedCipherSuite>> {
    let names = reader.texts("cipher_suites");
    let mut all = Vec::new();
    // `[A|B]` are suites of equal preference.
    for name in names.iter().flat_map(|name| name.trim_matches(['[', ']']).split('|')) {
        match SUITES.iter().find(|(other, _)| *other == name) {
            Some((_, suite)) => all.push(*suite),
            None if WEAK.contains(&name) => tracing::warn!("{}: the weak suite {name} is not offered", reader.path()),
            None => {
                reader.defect("cipher_suites", format!("the proxy does not have the suite {name}"));
                return None;
            }
        }
    }
    if all.is_empty() && !names.is_empty() {
        reader.defect("cipher_suites", "none of the suites is one that the proxy offers");
        return None;
    }
    Some(all)
}

fn groups(reader: &Reader<'_>) -> Option<Vec<&'static dyn SupportedKxGroup>> {
    let names = reader.texts("ecdh_curves");
    let mut all = Vec::new();
    for name in &names {
        match GROUPS.iter().find(|(other, _)| other == name) {
            Some((_, group)) => all.push(*group),
            None if name == "P-521" => tracing::warn!("{}: the group P-521 is not offered", reader.path()),
            None => {
                reader.defect("ecdh_curves", format!("the proxy does not have the group {name}"));
                return None;
            }
        }
    }
    if all.is_empty() && !names.is_empty() {
        reader.defect("ecdh_curves", "none of the groups is one that the proxy offers");
        return None;
    }
    Some(all)
}

/// A suite in OpenSSL's spelling (TLS 1.3 suites keep their own).
pub(super) fn openssl_name(suite: CipherSuite) -> String {
    match SUITES.iter().find(|(_, other)| other.suite() == suite) {
        Some((name, _)) => (*name).to_string(),
        None => suite.as_str().map_or_else(String::new, |name| name.replace("TLS13_", "TLS_")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};

    fn read(value: &Value) -> Result<Parameters, String> {
        let defects = Defects::new();
        let message = from_json("envoy.extensions.transport_sockets.tls.v3.TlsParameters", value)?;
        let reader = Reader::new(message, "", &defects);
        let parameters = Parameters::read(Some(&reader));
        drop(reader);
        defects.verdict(parameters).map_err(|defects| defects[0].to_string())
    }

    #[test]
    fn names_are_those_of_envoy() {
        let parameters = read(&json!({
            "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": ["[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]", "AES256-GCM-SHA384"],
            "ecdh_curves": ["X25519MLKEM768", "P-256"],
        }));
        let parameters = parameters.unwrap();
        let names: Vec<String> =
            parameters.provider.cipher_suites.iter().map(|suite| openssl_name(suite.suite())).collect();
        assert_eq!(names[names.len() - 2..], ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]);
        assert!(names.contains(&"TLS_AES_128_GCM_SHA256".to_string()), "{names:?}");
        assert_eq!((names.len(), parameters.provider.kx_groups.len(), parameters.versions.len()), (5, 2, 2));
        assert!(read(&json!({"cipher_suites": ["AES256-SHA"]})).is_err());
        assert!(read(&json!({"cipher_suites": ["X"]})).unwrap_err().contains("the suite X"));
        assert!(read(&json!({"tls_maximum_protocol_version": "TLSv1_1"})).is_err());
        assert!(read(&json!({"signature_algorithms": ["x"]})).unwrap_err().starts_with("signature_algorithms"));
    }
}

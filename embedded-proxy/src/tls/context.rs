//! What contexts of both sides have in common: `envoy.extensions.transport_sockets.tls.v3.CommonTlsContext`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::certificate::Certificate;
use super::material::Material;
use super::params::Parameters;
use crate::proto::Reader;
use crate::services::Build;

/// Istio's protocol that exchanges metadata before the first byte of a TCP connection. It is not spoken here; peers
/// that are not offered it choose the next one, `istio`, and send no metadata.
const PEER_EXCHANGE: &str = "istio-peer-exchange";

/// The fields both sides read.
pub(super) struct Common {
    pub parameters: Parameters,
    pub material: Material,
    /// Application protocols in order of preference.
    pub alpn: Vec<String>,
}

impl Common {
    /// Reads the message; without one there is nothing. None: a defect was noted.
    pub fn read(reader: Option<Reader<'_>>, build: &Build) -> Option<Self> {
        let Some(reader) = reader else {
            return Some(Self { parameters: Parameters::read(None)?, material: Material::default(), alpn: Vec::new() });
        };
        let parameters = Parameters::read(reader.message("tls_params").as_ref());
        let material = Material::read(&reader, build);
        let alpn = reader.texts("alpn_protocols");
        if alpn.iter().any(|protocol| protocol.is_empty() || protocol.len() > 255) {
            reader.defect("alpn_protocols", "a protocol must have 1 to 255 bytes");
            return None;
        }
        let alpn = alpn.into_iter().filter(|protocol| protocol != PEER_EXCHANGE).collect();
        Some(Self { parameters: parameters?, material: material?, alpn })
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Why own certificates cannot be shown: all of them are out of their validity. None: one can.
pub(super) fn out_of_validity(certificates: &[Arc<Certificate>]) -> Option<String> {
    let now = now();
    if certificates.iter().any(|certificate| certificate.facts.is_valid_at(now)) {
        return None;
    }
    let own = certificates.first()?;
    let state = if now > own.facts.valid.1 { "has expired" } else { "is not yet valid" };
    Some(format!("own certificate {} ({}) {state}", own.facts.serial, own.origin))
}

/// Protocols as TLS has them.
pub(super) fn wire(alpn: &[impl AsRef<str>]) -> Vec<Vec<u8>> {
    alpn.iter().map(|protocol| protocol.as_ref().as_bytes().to_vec()).collect()
}

/// The configuration of an `envoy.config.core.v3.TransportSocket`, with the name of its type, which decides what it is.
pub(super) fn transport_socket<'d>(reader: &Reader<'d>) -> Option<(String, Reader<'d>)> {
    reader.ignore(&["name"]);
    let config = reader.any("typed_config");
    if config.is_none() && !reader.has("typed_config") {
        reader.defect("typed_config", "must be set");
    }
    config
}

//! What a finished handshake tells: `stream::Tls`, shared by connections of which the same is known.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::{CommonState, HandshakeKind, NamedGroup, ProtocolVersion};

use super::certificate::Certificate;
use super::facts::{CertificateFacts, hex, pem, sha256};
use super::params::openssl_name;
use crate::stream::Tls;

/// Facts that are kept for the next connection.
const KEPT: usize = 64;

/// What differs between connections.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    peer: Vec<u8>,
    local: Vec<u8>,
    version: &'static str,
    cipher: String,
    sni: Option<String>,
    alpn: Option<String>,
    verified: bool,
    resumed: bool,
}

/// Facts of recent connections: peers come back, and their certificates need not be read again and kept twice.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<(Key, Arc<Tls>)>>);

/// A group in Envoy's spelling.
pub(super) fn group(state: &CommonState) -> &'static str {
    match state.negotiated_key_exchange_group().map(rustls::crypto::SupportedKxGroup::name) {
        Some(NamedGroup::X25519MLKEM768) => "X25519MLKEM768",
        Some(NamedGroup::X25519) => "X25519",
        Some(NamedGroup::secp256r1) => "P-256",
        Some(NamedGroup::secp384r1) => "P-384",
        _ => "",
    }
}

impl Recent {
    /// The facts of a finished handshake. `proves`: the peer's certificate was checked.
    pub fn facts(
        &self,
        state: &CommonState,
        sni: Option<String>,
        local: Option<&Certificate>,
        proves: bool,
    ) -> Arc<Tls> {
        let peer = state.peer_certificates().and_then(|chain| chain.first());
        let key = Key {
            peer: peer.map(|der| der.to_vec()).unwrap_or_default(),
            local: local.and_then(|own| own.key.cert.first()).map(|der| der.to_vec()).unwrap_or_default(),
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: state.negotiated_cipher_suite().map(|suite| openssl_name(suite.suite())).unwrap_or_default(),
            sni,
            alpn: state.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            verified: peer.is_some() && proves,
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
        };
        if let Some((_, tls)) = self.0.lock().iter().find(|(other, _)| *other == key) {
            return tls.clone();
        }
        let tls = Arc::new(read(&key, local));
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((key, tls.clone()));
        tls
    }
}

fn read(key: &Key, local: Option<&Certificate>) -> Tls {
    let mut tls = Tls {
        version: key.version,
        cipher: key.cipher.clone(),
        sni: key.sni.clone(),
        alpn: key.alpn.clone(),
        verified: key.verified,
        resumed: key.resumed,
        ..Tls::default()
    };
    if let Some(own) = local {
        tls.local_uris = own.facts.uris().map(str::to_string).collect();
        tls.local_subject.clone_from(&own.facts.subject);
    }
    if key.peer.is_empty() {
        return tls;
    }
    tls.peer_sha256 = hex(&sha256(&key.peer));
    tls.peer_pem = pem(&key.peer.as_slice().into());
    if let Ok(facts) = CertificateFacts::read(&key.peer) {
        tls.peer_uris = facts.uris().map(str::to_string).collect();
        tls.peer_dns = facts.dns().map(str::to_string).collect();
        tls.peer_valid = Some(facts.valid);
        tls.peer_subject = facts.subject;
        tls.peer_issuer = facts.issuer;
        tls.peer_serial = facts.serial;
    }
    tls
}

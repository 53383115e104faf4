//! What a finished handshake tells: `stream::Tls`, shared by connections of which the same is known.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::{CommonState, HandshakeKind, NamedGroup, ProtocolVersion};

use super::certificate::Certificate;
use super::facts::{CertificateFacts, hex, pem, sha1, sha256};
use super::params::openssl_name;
use crate::stream::Tls;

/// Facts that are kept for the next connection.
const KEPT: usize = 64;

/// What differs between connections.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    /// What the peer showed, its own certificate first.
    peer: Vec<Vec<u8>>,
    local: Vec<u8>,
    version: &'static str,
    cipher: String,
    sni: Option<String>,
    alpn: Option<String>,
    verified: bool,
    resumed: bool,
    group: &'static str,
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
        let peer = state.peer_certificates().unwrap_or_default();
        let key = Key {
            peer: peer.iter().map(|der| der.to_vec()).collect(),
            local: local.and_then(|own| own.key.cert.first()).map(|der| der.to_vec()).unwrap_or_default(),
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: state.negotiated_cipher_suite().map(|suite| openssl_name(suite.suite())).unwrap_or_default(),
            sni,
            alpn: state.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            verified: !peer.is_empty() && proves,
            group: group(state),
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
        group: key.group,
        ..Tls::default()
    };
    if let Some(own) = local {
        tls.local_uris = own.facts.uris().map(str::to_string).collect();
        tls.local_dns = own.facts.dns().map(str::to_string).collect();
        tls.local_ips = own.facts.ips().map(|ip| ip.to_string()).collect();
        tls.local_subject.clone_from(&own.facts.subject);
    }
    let Some(peer) = key.peer.first() else { return tls };
    tls.peer_sha256 = hex(&sha256(peer));
    tls.peer_sha1 = hex(&sha1(peer));
    tls.peer_pem = pem(&peer.as_slice().into());
    tls.peer_chain = key.peer.iter().map(|der| pem(&der.as_slice().into())).collect();
    if let Ok(facts) = CertificateFacts::read(peer) {
        tls.peer_uris = facts.uris().map(str::to_string).collect();
        tls.peer_dns = facts.dns().map(str::to_string).collect();
        tls.peer_ips = facts.ips().map(|ip| ip.to_string()).collect();
        tls.peer_emails = facts.emails().map(str::to_string).collect();
        tls.peer_valid = Some(facts.valid);
        tls.peer_subject = facts.subject;
        tls.peer_issuer = facts.issuer;
        tls.peer_serial = facts.serial;
    }
    tls
}

//! Facts of a downstream connection that do not change once its filter chain is chosen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;

use super::{Passed, Sharing, passed};

use crate::net::Address;

/// Which way the traffic of a listener goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// Not said.
    #[default]
    Unspecified,
    /// Into the workload.
    Inbound,
    /// Out of the workload.
    Outbound,
}

/// What the TLS handshake told about a peer, and about ourselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// Cipher suite in OpenSSL's spelling, as access logs print it.
    pub cipher: String,
    /// Server name the client asked for.
    pub sni: Option<String>,
    /// Negotiated application protocol.
    pub alpn: Option<String>,
    /// Whether the peer showed a certificate that was verified.
    pub verified: bool,
    /// URI names of the peer's certificate (SPIFFE ids).
    pub peer_uris: Vec<String>,
    /// DNS names of the peer's certificate.
    pub peer_dns: Vec<String>,
    /// Subject of the peer's certificate, RFC 2253.
    pub peer_subject: String,
    /// Issuer of the peer's certificate, RFC 2253.
    pub peer_issuer: String,
    /// Serial number of the peer's certificate, hex.
    pub peer_serial: String,
    /// SHA-256 of the peer's certificate, hex.
    pub peer_sha256: String,
    /// The peer's certificate as PEM.
    pub peer_pem: String,
    /// The certificates that the peer showed as PEM, its own first.
    pub peer_chain: String,
    /// Validity of the peer's certificate, seconds since 1970.
    pub peer_valid: Option<(i64, i64)>,
    /// URI names of our own certificate.
    pub local_uris: Vec<String>,
    /// Subject of our own certificate.
    pub local_subject: String,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// Key exchange group (`X25519MLKEM768`).
    pub group: &'static str,
    /// Session id, hex; empty with TLS 1.3.
    pub session_id: String,
    /// IP addresses of the peer's certificate.
    pub peer_ips: Vec<String>,
    /// E-mail names of the peer's certificate.
    pub peer_emails: Vec<String>,
    /// SHA-1 of the peer's certificate, hex.
    pub peer_sha1: String,
    /// DNS names of our own certificate.
    pub local_dns: Vec<String>,
    /// IP addresses of our own certificate.
    pub local_ips: Vec<String>,
}

/// A downstream connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Number of the connection in this process.
    pub id: u64,
    /// Address the client connected to: the original destination when the connection was redirected or PROXY said so.
    pub local: Address,
    /// Address the socket is bound to.
    pub bound: Address,
    /// Address of the client; PROXY protocol may have changed it.
    pub remote: Address,
    /// Address of the socket's peer.
    pub peer: Address,
    /// Whether `local` was restored from a redirect or PROXY protocol.
    pub local_restored: bool,
    /// Server name from the TLS hello, whether or not TLS ends here.
    pub sni: Option<String>,
    /// Application protocols the client offered, or the HTTP inspector saw.
    pub application_protocols: Vec<String>,
    /// `tls` or `raw_buffer`, as the inspectors saw it.
    pub transport_protocol: &'static str,
    /// TLS facts when TLS ends here.
    pub tls: Option<Arc<Tls>>,
    /// Name of the listener.
    pub listener: Arc<str>,
    /// Name of the filter chain.
    pub filter_chain: Arc<str>,
    /// Direction of the listener.
    pub direction: Direction,
    /// Dynamic metadata by namespace that listener filters left (PROXY protocol TLVs). Exchanges begin with it.
    pub metadata: BTreeMap<String, Value>,
    /// Filter state that is text, left by listener and network filters. Exchanges begin with it.
    pub state: BTreeMap<String, String>,
    /// Which of these texts go along to listeners inside the proxy.
    pub shared: BTreeMap<String, Sharing>,
    /// `per_connection_buffer_limit_bytes` of the listener.
    pub buffer_limit: u32,
}

/// Envoy's default of `per_connection_buffer_limit_bytes`.
const BUFFER_LIMIT: u32 = 1024 * 1024;

impl Connection {
    /// A plain TCP connection of which only the addresses are known.
    pub fn plain(local: SocketAddr, remote: SocketAddr) -> Self {
        Self::between(local.into(), remote.into())
    }

    /// A plain connection of any kind of which only the addresses are known.
    pub fn between(local: Address, remote: Address) -> Self {
        Self {
            id: 0,
            local: local.clone(),
            bound: local,
            remote: remote.clone(),
            peer: remote,
            local_restored: false,
            sni: None,
            application_protocols: Vec::new(),
            transport_protocol: "raw_buffer",
            tls: None,
            listener: Arc::from(""),
            filter_chain: Arc::from(""),
            direction: Direction::Unspecified,
            metadata: BTreeMap::new(),
            state: BTreeMap::new(),
            shared: BTreeMap::new(),
            buffer_limit: BUFFER_LIMIT,
        }
    }

    /// The filter state that goes along to a listener inside the proxy, if there is some.
    pub fn passed(&self) -> Option<Passed> {
        passed(&self.state, &self.shared)
    }

    /// Identity the peer proved: the first URI name of its verified certificate.
    pub fn principal(&self) -> Option<&str> {
        let tls = self.tls.as_ref().filter(|tls| tls.verified)?;
        tls.peer_uris.first().map(String::as_str)
    }

    /// `https` when TLS ends here, otherwise `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

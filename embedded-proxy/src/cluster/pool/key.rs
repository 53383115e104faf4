//! What connections to the same host may not be mixed by.

use std::net::SocketAddr;
use std::sync::Arc;

use http::uri::Authority;

use crate::cluster::pool::{Priority, SendOptions, Upstream};
use crate::http::{RequestHead, Version};
use crate::stream::Connection;
use crate::stream::Passed;

/// What a request wants of its connection, borrowed: looking for a pool allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted<'r> {
    http: bool,
    version: Option<Version>,
    priority: Priority,
    sni: Option<&'r str>,
    san: Option<&'r str>,
    alpn: Option<&'r [String]>,
    proxied: Option<(SocketAddr, SocketAddr)>,
    downstream: Option<u64>,
    passed: Option<&'r Passed>,
}

/// The same, owned by a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Whether HTTP is spoken.
    pub http: bool,
    /// Version of HTTP; none: ALPN decides.
    pub version: Option<Version>,
    /// Priority: its circuit breakers count.
    pub priority: Priority,
    /// Server name from the request.
    pub sni: Option<String>,
    /// Name that the certificate must hold.
    pub san: Option<String>,
    /// Protocols to offer instead of the configured ones.
    pub alpn: Option<Vec<String>>,
    /// Source and destination in the header of PROXY protocol.
    pub proxied: Option<(SocketAddr, SocketAddr)>,
    /// Number of the downstream connection that alone may use the connections.
    pub downstream: Option<u64>,
    /// Filter state that goes along to a listener inside the proxy.
    pub passed: Option<Passed>,
}

impl<'r> Wanted<'r> {
    /// For a request.
    pub fn of(upstream: &Upstream, head: &'r RequestHead, options: &SendOptions<'r>) -> Self {
        let names = &upstream.http.names;
        let (mut sni, mut san) = (None, None);
        if names.sni || names.san {
            let other = names.header.as_ref().and_then(|name| head.headers.text(name)).filter(|text| !text.is_empty());
            let host = host_of(other.unwrap_or(&head.authority));
            sni = host.filter(|host| names.sni && !is_address(host));
            san = host.filter(|_| names.san);
        }
        Self { http: true, version: upstream.http.version(head.version), sni, san, ..Self::plain(upstream, options) }
    }

    /// For a connection without HTTP.
    pub fn plain(upstream: &Upstream, options: &SendOptions<'r>) -> Self {
        let downstream = options.downstream;
        Self {
            http: false,
            version: None,
            priority: options.priority,
            sni: None,
            san: None,
            alpn: options.alpn,
            proxied: downstream.filter(|_| upstream.transports.any_header()).and_then(ends),
            downstream: downstream.filter(|_| upstream.exclusive).map(|at| at.id),
            passed: options.passed.filter(|_| upstream.transports.any_internal()),
        }
    }

    /// Owned.
    pub fn to_key(self) -> Key {
        Key {
            http: self.http,
            version: self.version,
            priority: self.priority,
            sni: self.sni.map(str::to_string),
            san: self.san.map(str::to_string),
            alpn: self.alpn.map(<[String]>::to_vec),
            proxied: self.proxied,
            downstream: self.downstream,
            passed: self.passed.cloned(),
        }
    }
}

impl Key {
    /// Whether this is what a request wants.
    pub fn fits(&self, wanted: &Wanted<'_>) -> bool {
        self.http == wanted.http
            && self.version == wanted.version
            && self.priority == wanted.priority
            && self.sni.as_deref() == wanted.sni
            && self.san.as_deref() == wanted.san
            && self.alpn.as_deref() == wanted.alpn
            && self.proxied == wanted.proxied
            && self.downstream == wanted.downstream
            && self.passed.as_ref() == wanted.passed
    }
}

/// The addresses of a downstream connection, when both are IP addresses.
fn ends(connection: &Arc<Connection>) -> Option<(SocketAddr, SocketAddr)> {
    connection.remote.socket().zip(connection.local.socket())
}

/// The host of an authority, without brackets and port.
fn host_of(authority: &str) -> Option<&str> {
    if authority.is_empty() {
        return None;
    }
    let bare = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    authority.parse::<Authority>().is_ok().then_some(bare)
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_authority() {
        assert_eq!(host_of("a.example:8080"), Some("a.example"));
        assert_eq!(host_of("a.example"), Some("a.example"));
        assert_eq!(host_of("[::1]:80"), Some("::1"));
        assert_eq!(host_of(""), None);
        assert!(is_address("::1") && !is_address("a.example"));
    }
}

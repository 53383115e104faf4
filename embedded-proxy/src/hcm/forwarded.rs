//! Who the client is: `x-forwarded-*`, internal and external requests, and the headers an edge must not take from outside.
//!
//! Rules as Envoy's connection manager has them.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::http::{Headers, RequestHead};
use crate::matching::read_cidrs;
use crate::net::{Address, local_address};
use crate::proto::Reader;
use crate::stream::Connection;

const XFF: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");
const EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");

/// Control headers that only requests from inside may carry.
const INTERNAL_ONLY: [HeaderName; 14] = [
    HeaderName::from_static("x-envoy-retriable-status-codes"),
    HeaderName::from_static("x-envoy-retriable-header-names"),
    HeaderName::from_static("x-envoy-retry-on"),
    HeaderName::from_static("x-envoy-retry-grpc-on"),
    HeaderName::from_static("x-envoy-max-retries"),
    HeaderName::from_static("x-envoy-upstream-alt-stat-name"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-rq-per-try-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-alt-response"),
    HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
    HeaderName::from_static("x-envoy-force-trace"),
    HeaderName::from_static("x-envoy-ip-tags"),
    HeaderName::from_static("x-envoy-original-url"),
    HeaderName::from_static("x-envoy-hedge-on-per-try-timeout"),
];

/// Headers that requests from outside the edge may not carry.
const EDGE_ONLY: [HeaderName; 4] = [
    HeaderName::from_static("x-envoy-original-path"),
    HeaderName::from_static("x-envoy-decorator-operation"),
    HeaderName::from_static("x-envoy-downstream-service-cluster"),
    HeaderName::from_static("x-envoy-downstream-service-node"),
];

/// How the address of the client is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// The connection's peer is the client: this proxy is the edge.
    pub use_remote_address: bool,
    /// Proxies in front whose `x-forwarded-for` entries are trusted.
    pub trusted_hops: usize,
    /// Leave `x-forwarded-for` as it is.
    pub skip_append: bool,
    /// Set `x-forwarded-port`.
    pub port: bool,
    /// Write IPv4 peers as `::ffff:a.b.c.d`.
    pub mapped: bool,
    /// Addresses that are inside. Envoy trusts none unless told to (since 1.33).
    pub internal: Vec<IpNet>,
    /// Peers on unix sockets are inside.
    pub unix_internal: bool,
    /// Scheme for all requests, whatever they say.
    pub overwrite_scheme: Option<&'static str>,
}

/// What was found out about a request's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address as far as it is trusted.
    pub client: Address,
    /// Whether it comes from inside.
    pub internal: bool,
    /// Whether it comes from outside and this proxy is the edge.
    pub edge: bool,
}

impl Forwarding {
    /// Reads the fields of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut forwarding = Self {
            use_remote_address: reader.flag("use_remote_address"),
            trusted_hops: reader.u32("xff_num_trusted_hops").unwrap_or(0) as usize,
            skip_append: reader.flag("skip_xff_append"),
            port: reader.flag("append_x_forwarded_port"),
            mapped: reader.flag("represent_ipv4_remote_address_as_ipv4_mapped_ipv6"),
            ..Self::default()
        };
        if let Some(internal) = reader.message("internal_address_config") {
            forwarding.unix_internal = internal.flag("unix_sockets");
            forwarding.internal = read_cidrs(&internal.list("cidr_ranges")).unwrap_or_default();
        }
        if let Some(scheme) = reader.message("scheme_header_transformation") {
            forwarding.overwrite_scheme = match scheme.text("scheme_to_overwrite").as_str() {
                "https" => Some("https"),
                "http" => Some("http"),
                _ => None,
            };
        }
        forwarding
    }

    /// Sets and removes headers of a request and tells where it comes from.
    pub fn apply(&self, head: &mut RequestHead, connection: &Connection) -> Origin {
        head.headers.remove(&INTERNAL);
        coalesce(&mut head.headers);
        let found = if self.use_remote_address {
            Some(self.peer(head, connection))
        } else {
            last_forwarded(&head.headers, self.trusted_hops).map(|(ip, single)| (at(ip), single))
        };
        if !head.headers.has(&PROTO) {
            head.headers.set(PROTO, HeaderValue::from_static(connection.scheme()));
        }
        self.set_scheme(head, connection);
        let (client, single) = found.unwrap_or_else(|| (connection.remote.clone(), false));
        let internal = single && self.is_internal(&client);
        let edge = !internal && self.use_remote_address;
        if internal {
            head.headers.set(INTERNAL, HeaderValue::from_static("true"));
        } else {
            sanitize(&mut head.headers, edge);
        }
        if edge
            && let Some(ip) = client.ip()
            && let Ok(value) = HeaderValue::try_from(ip.to_string())
        {
            head.headers.set(EXTERNAL_ADDRESS, value);
        }
        Origin { client, internal, edge }
    }

    /// The edge: the peer's address counts, and goes to the end of `x-forwarded-for`.
    fn peer(&self, head: &mut RequestHead, connection: &Connection) -> (Address, bool) {
        let peer = &connection.remote;
        let single = !head.headers.has(&XFF);
        let trusted = match self.trusted_hops {
            0 => None,
            hops => last_forwarded(&head.headers, hops - 1),
        };
        if !self.skip_append
            && let Some(peer) = peer.ip()
        {
            // A peer on this machine is known to others by the machine's own address.
            let shown = if peer.is_loopback() { local_address().unwrap_or(peer) } else { peer };
            append(&mut head.headers, &self.written(shown));
        }
        if self.trusted_hops == 0 || !head.headers.has(&PROTO) {
            head.headers.set(PROTO, HeaderValue::from_static(connection.scheme()));
        }
        let own = self.port && (self.trusted_hops == 0 || !head.headers.has(&PORT));
        if own && let Some(port) = connection.local.port() {
            head.headers.set(PORT, port.into());
        }
        (trusted.map_or_else(|| peer.ip().map_or_else(|| peer.clone(), at), |(address, _)| at(address)), single)
    }

    fn is_internal(&self, client: &Address) -> bool {
        match client {
            Address::Ip(socket) => self.internal.iter().any(|net| net.contains(&socket.ip())),
            Address::Pipe(_) => self.unix_internal,
            Address::Internal { .. } => false,
        }
    }

    fn written(&self, peer: IpAddr) -> String {
        match peer {
            IpAddr::V4(address) if self.mapped => address.to_ipv6_mapped().to_string(),
            address => address.to_string(),
        }
    }

    fn set_scheme(&self, head: &mut RequestHead, connection: &Connection) {
        if let Some(scheme) = self.overwrite_scheme {
            head.scheme = scheme;
            head.headers.set(PROTO, HeaderValue::from_static(scheme));
            return;
        }
        if head.version == crate::http::Version::Http2 {
            return;
        }
        head.scheme = match head.headers.get(&PROTO).map(HeaderValue::as_bytes) {
            Some(b"https") => "https",
            Some(b"http") => "http",
            _ => connection.scheme(),
        };
    }
}

/// An address of which no port is known.
fn at(ip: IpAddr) -> Address {
    SocketAddr::new(ip, 0).into()
}

/// Makes several `x-forwarded-for` fields one, as everything behind expects it.
fn coalesce(headers: &mut Headers) {
    if headers.all(&XFF).nth(1).is_none() {
        return;
    }
    let joined = headers.joined(&XFF).map(std::borrow::Cow::into_owned);
    if let Some(Ok(value)) = joined.map(|joined| HeaderValue::from_maybe_shared(bytes::Bytes::from(joined))) {
        headers.set(XFF, value);
    }
}

fn sanitize(headers: &mut Headers, edge: bool) {
    headers.retain(|name, _| {
        let name_text = name.as_str();
        if !name_text.starts_with("x-envoy-") {
            return true;
        }
        !(INTERNAL_ONLY.contains(name) || edge && EDGE_ONLY.contains(name))
    });
}

/// The address `skip` entries before the last one of `x-forwarded-for`, and whether it is the only one there.
fn last_forwarded(headers: &Headers, skip: usize) -> Option<(IpAddr, bool)> {
    let joined = headers.joined(&XFF)?;
    let text = std::str::from_utf8(&joined).ok()?;
    let mut entries = text.rsplit(',').map(str::trim);
    let entry = entries.nth(skip)?;
    let single = skip == 0 && entries.next().is_none();
    Some((parse_entry(entry)?, single))
}

/// An address with or without port and brackets.
fn parse_entry(entry: &str) -> Option<IpAddr> {
    if let Ok(address) = entry.parse() {
        return Some(address);
    }
    let bare = entry.strip_prefix('[').and_then(|rest| rest.split(']').next());
    match bare {
        Some(bare) => bare.parse().ok(),
        None => entry.parse::<SocketAddr>().ok().map(|address| address.ip()),
    }
}

fn append(headers: &mut Headers, address: &str) {
    let value = match headers.joined(&XFF) {
        Some(earlier) => {
            let mut value = earlier.into_owned();
            value.push(b',');
            value.extend_from_slice(address.as_bytes());
            HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
        }
        None => HeaderValue::from_maybe_shared(bytes::Bytes::copy_from_slice(address.as_bytes())),
    };
    if let Ok(value) = value {
        headers.set(XFF, value);
    }
}

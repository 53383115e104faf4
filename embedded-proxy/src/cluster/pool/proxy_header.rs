//! The header of PROXY protocol that is sent at the beginning of an upstream connection.

use std::net::{IpAddr, SocketAddr};

use crate::net::Address;
use crate::proto::Reader;
use crate::stream::Connection;

/// First bytes of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// How the header is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyHeader {
    version: Version,
    /// Type and value of what is added in version 2.
    added: Vec<(u8, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl ProxyHeader {
    /// Reads `ProxyProtocolUpstreamTransport` apart from its inner transport socket.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        // Addresses are always known here.
        reader.ignore(&["allow_unspecified_address"]);
        match reader.message("config") {
            Some(config) => Self::read_config(&config),
            None => Some(Self { version: Version::V1, added: Vec::new() }),
        }
    }

    /// Reads `envoy.config.core.v3.ProxyProtocolConfig`.
    pub fn read_config(config: &Reader<'_>) -> Option<Self> {
        let version = if config.word("version") == "V2" { Version::V2 } else { Version::V1 };
        let mut added = Vec::new();
        for tlv in config.list("added_tlvs") {
            match u8::try_from(tlv.u32("type").unwrap_or(0)) {
                Ok(kind) => added.push((kind, tlv.bytes("value").to_vec())),
                Err(_) => tlv.defect("type", "must be at most 255"),
            }
        }
        if let Some(pass) = config.message("pass_through_tlvs") {
            // Nothing else that comes in is passed on.
            if pass.word("match_type") == "INCLUDE_ALL" || !pass.numbers("tlv_type").is_empty() {
                pass.defect("", "the proxy does not pass type-length-values through");
                return None;
            }
        }
        Some(Self { version, added })
    }

    /// The header for a connection of `source` to `destination`.
    pub fn encode(&self, source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
        let (source, destination) = same_family(source, destination);
        match self.version {
            Version::V1 => {
                let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
                let (from, to) = (source.ip(), destination.ip());
                format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port()).into_bytes()
            }
            Version::V2 => self.second(Some((source, destination))),
        }
    }

    /// The header that tells of a downstream connection.
    pub fn of(&self, from: &Connection) -> Vec<u8> {
        match (&from.remote, &from.local) {
            (Address::Ip(source), Address::Ip(destination)) => self.encode(*source, *destination),
            _ => self.local(None),
        }
    }

    /// The header of a connection that the proxy makes for itself. `ends`: the addresses of the connection, none when they
    /// are no IP addresses.
    pub fn local(&self, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
        match (self.version, ends) {
            (Version::V1, Some((local, peer))) => self.encode(local, peer),
            (Version::V1, None) => b"PROXY UNKNOWN\r\n".to_vec(),
            (Version::V2, _) => self.second(None),
        }
    }

    fn second(&self, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
        let mut body = Vec::new();
        let mut family = 0x00;
        if let Some((source, destination)) = ends {
            family = if source.is_ipv4() { 0x11 } else { 0x21 };
            for address in [source, destination] {
                match address.ip() {
                    IpAddr::V4(ip) => body.extend_from_slice(&ip.octets()),
                    IpAddr::V6(ip) => body.extend_from_slice(&ip.octets()),
                }
            }
            body.extend_from_slice(&source.port().to_be_bytes());
            body.extend_from_slice(&destination.port().to_be_bytes());
            for (kind, value) in &self.added {
                let Ok(length) = u16::try_from(value.len()) else { continue };
                body.push(*kind);
                body.extend_from_slice(&length.to_be_bytes());
                body.extend_from_slice(value);
            }
        }
        let mut header = SIGNATURE.to_vec();
        header.push(if ends.is_some() { 0x21 } else { 0x20 });
        header.push(family);
        header.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
        header.extend_from_slice(&body);
        header
    }
}

/// Both addresses in IPv6 when one of them is.
fn same_family(source: SocketAddr, destination: SocketAddr) -> (SocketAddr, SocketAddr) {
    if source.is_ipv4() == destination.is_ipv4() {
        return (source, destination);
    }
    let wide = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    (wide(source), wide(destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        ("1.2.3.4:5".parse().unwrap(), "10.0.0.1:80".parse().unwrap())
    }

    #[test]
    fn version_1_is_a_line() {
        let header = ProxyHeader { version: Version::V1, added: Vec::new() };
        assert_eq!(header.encode(ends().0, ends().1), b"PROXY TCP4 1.2.3.4 10.0.0.1 5 80\r\n");
        let mixed = header.encode("[2001:db8::1]:5".parse().unwrap(), ends().1);
        assert_eq!(mixed, b"PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 5 80\r\n");
    }

    #[test]
    fn version_2_holds_addresses_and_what_is_added() {
        let header = ProxyHeader { version: Version::V2, added: vec![(0xE0, b"ab".to_vec())] };
        let bytes = header.encode(ends().0, ends().1);
        assert_eq!(&bytes[..12], SIGNATURE);
        assert_eq!(bytes[12..16], [0x21, 0x11, 0, 17]);
        assert_eq!(bytes[16..], [1, 2, 3, 4, 10, 0, 0, 1, 0, 5, 0, 80, 0xE0, 0, 2, b'a', b'b']);
        assert_eq!(header.local(Some(ends()))[12..], [0x20, 0, 0, 0]);
        assert_eq!(ProxyHeader { version: Version::V1, added: Vec::new() }.local(None), b"PROXY UNKNOWN\r\n");
    }
}

//! Services: names that are called, their addresses and ports.

use std::net::IpAddr;

use super::{Key, Labels, Name, Origin, Predicate, Visibility};

/// A name that is called. One service has one host; an object with several hosts gives several services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Namespace, and the full host name (which may be a wildcard).
    pub key: Key,
    /// Where it is declared.
    pub origin: Origin,
    /// Further names under which it is called from everywhere (`reviews.default`, `reviews.default.svc`), without ports.
    pub aliases: Vec<Name>,
    /// The name under which its own namespace calls it (`reviews`).
    pub short_name: Option<Name>,
    /// Addresses that stand for the service as a whole; empty for headless and nameless ones.
    pub addresses: Vec<ServiceAddress>,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// How its endpoints are found.
    pub resolution: Resolution,
    /// Outside of the mesh: no mutual TLS by itself.
    pub external: bool,
    /// Identities its endpoints may show; empty means those of the endpoints.
    pub identities: Vec<Name>,
    /// Which namespaces see it.
    pub visibility: Visibility,
    /// Labels of the object.
    pub labels: Labels,
    /// Prefer near endpoints.
    pub prefer_near: bool,
    /// The workloads behind it, for those whose endpoints the mesh works out: they are in the service's namespace.
    pub selector: Option<Predicate>,
}

/// An address of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceAddress {
    /// One address.
    Ip(IpAddr),
    /// All addresses of a network.
    Network(ipnet::IpNet),
}

/// How the endpoints of a service are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// The mesh knows them.
    Endpoints,
    /// The mesh knows them, and callers address one of them directly.
    Headless,
    /// DNS names, all answers are endpoints.
    Dns,
    /// DNS names, the first answer is the endpoint.
    DnsRoundRobin,
    /// The address that the caller connects to is the endpoint.
    Original,
}

/// One port of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePort {
    /// Number.
    pub number: u16,
    /// Name, may be empty.
    pub name: Name,
    /// Protocol.
    pub protocol: Protocol,
    /// Where its endpoints listen, when that is the same for all.
    pub target: TargetPort,
    /// Where it is declared.
    pub origin: Origin,
}

/// Where the endpoints of a port listen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetPort {
    /// This number.
    Number(u16),
    /// The port of that name of each workload.
    Named(Name),
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1, or HTTP/2 without TLS by upgrade.
    Http,
    /// HTTP/2 from the first byte.
    Http2,
    /// gRPC.
    Grpc,
    /// gRPC over HTTP/1 frames.
    GrpcWeb,
    /// TLS with HTTP within, not terminated here.
    Https,
    /// TLS, not terminated here.
    Tls,
    /// Bytes.
    Tcp,
    /// Bytes of a protocol in which the server speaks first (MySQL, and Mongo or Redis without their filters).
    ServerFirst,
    /// To be seen from the first bytes.
    Detect,
    /// Datagrams: not for the mesh.
    Udp,
}

impl Protocol {
    /// True when requests are seen.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// True when the upstream side speaks HTTP/2.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// True when server names are seen.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// True when nothing but bytes are seen.
    pub fn is_opaque(self) -> bool {
        matches!(self, Self::Tcp | Self::ServerFirst)
    }

    /// True for [`Protocol::Detect`].
    pub fn is_detected(self) -> bool {
        self == Self::Detect
    }

    /// The word that people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
            Self::GrpcWeb => "GRPC-Web",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::ServerFirst => "TCP (server first)",
            Self::Detect => "auto",
            Self::Udp => "UDP",
        }
    }
}

impl Service {
    /// The port of a number.
    pub fn port(&self, number: u16) -> Option<&ServicePort> {
        self.ports.iter().find(|port| port.number == number)
    }
}

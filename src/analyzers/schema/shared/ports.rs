//! Port numbers, port names and protocol names (rule 1 and its users).

use super::Verdict;
use super::names::dns_label;

/// A port from 1 to 65535.
pub fn port(number: i64) -> Verdict {
    if (1..=65_535).contains(&number) {
        return Ok(());
    }
    Err(format!("{number} is no port: ports are from 1 to 65535"))
}

/// A port name: a DNS label.
pub fn port_name(name: &str) -> Verdict {
    dns_label("the port name", name)
}

/// The protocols that Istio knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Plain TCP.
    Tcp,
    /// UDP; not routed.
    Udp,
    /// HTTP/1.1 by name (`http`, `http_proxy`).
    Http,
    /// HTTP/2 in plaintext.
    Http2,
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    GrpcWeb,
    /// HTTP in TLS, not terminated by the proxy of the caller.
    Https,
    /// TLS.
    Tls,
    /// A database protocol (mongo, redis, mysql): handled as TCP.
    Database,
}

impl Protocol {
    /// The protocol of a name in any case; nothing for an unknown one.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "http" | "http_proxy" => Self::Http,
            "http2" => Self::Http2,
            "grpc" => Self::Grpc,
            "grpc-web" => Self::GrpcWeb,
            "https" => Self::Https,
            "tls" => Self::Tls,
            "mongo" | "redis" | "mysql" => Self::Database,
            _ => return None,
        })
    }

    /// True for protocols whose requests are routed by host header.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// True for protocols whose connections are routed by server name.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// True for protocols that are routed by address.
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Https | Self::Tls | Self::Database)
    }
}

/// A protocol name; the empty one means that the proxy finds out.
pub fn protocol(name: &str) -> Verdict {
    if name.is_empty() || Protocol::parse(name).is_some() {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no protocol: use one of HTTP, HTTP2, HTTPS, GRPC, GRPC-WEB, TCP, TLS, UDP, MONGO, REDIS, MYSQL"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_ports() {
        assert!(port(1).is_ok() && port(65_535).is_ok());
        assert!(port(0).is_err() && port(65_536).is_err() && port(-1).is_err());
    }

    #[test]
    fn protocols_in_any_case() {
        assert_eq!(Protocol::parse("gRPC-Web"), Some(Protocol::GrpcWeb));
        assert!(protocol("").is_ok() && protocol("HTTP").is_ok() && protocol("QUIC").is_err());
        assert!(Protocol::Https.is_tls() && Protocol::Https.is_tcp() && !Protocol::Https.is_http());
    }
}

//! Addresses of endpoints and listeners: `envoy.config.core.v3.Address`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3 as pb;
use serde_json::{Value, json};

/// Longest path of a unix socket, bytes: the size of `sun_path` less the byte that ends it, or begins an abstract name.
const LONGEST: usize = 107;

/// Where a connection goes to or comes from. Cloning allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// IP address and port.
    Ip(SocketAddr),
    /// Path of a unix socket; `@NAME` is one in the abstract namespace. Empty: a socket without a name, as clients have.
    Pipe(Arc<str>),
    /// An internal listener of this process.
    Internal {
        /// Name of the listener.
        listener: Arc<str>,
        /// Tells endpoints behind the same listener apart; may be empty.
        endpoint: Arc<str>,
    },
}

impl Address {
    /// A unix socket; the error says why there can be none at this path.
    pub fn pipe(path: &str) -> Result<Self, String> {
        if path.is_empty() || path == "@" {
            return Err("must not be empty".into());
        }
        if path.len() > LONGEST {
            return Err(format!("the path of a unix socket has at most {LONGEST} bytes, this one {}", path.len()));
        }
        if path.contains('\0') {
            return Err("the path of a unix socket holds no NUL".into());
        }
        Ok(Self::Pipe(path.into()))
    }

    /// IP address and port; none for other kinds.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(socket) => Some(*socket),
            Self::Pipe(_) | Self::Internal { .. } => None,
        }
    }

    /// The IP address; none for other kinds.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket().map(|socket| socket.ip())
    }

    /// The port; none for what has none.
    pub fn port(&self) -> Option<u16> {
        self.socket().map(|socket| socket.port())
    }

    /// Writes it without its port; what has no port is written whole.
    pub fn without_port(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match self {
            Self::Ip(socket) => fmt::Display::fmt(&socket.ip(), f),
            Self::Pipe(_) | Self::Internal { .. } => fmt::Display::fmt(self, f),
        })
    }

    /// The same with IPv4 in IPv6 clothes as IPv4.
    pub fn canonical(self) -> Self {
        match self {
            Self::Ip(socket) => Self::Ip(SocketAddr::new(socket.ip().to_canonical(), socket.port())),
            other => other,
        }
    }

    /// `envoy.config.core.v3.Address` as protobuf JSON, for dumps.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Ip(socket) => {
                json!({"socket_address": {"address": socket.ip().to_string(), "port_value": socket.port()}})
            }
            Self::Pipe(path) => json!({ "pipe": { "path": **path } }),
            Self::Internal { listener, endpoint } => {
                let mut address = json!({ "server_listener_name": **listener });
                if !endpoint.is_empty() {
                    address["endpoint_id"] = Value::from(&**endpoint);
                }
                json!({ "envoy_internal_address": address })
            }
        }
    }

    /// The same as a message, for services that are told about connections.
    pub fn to_proto(&self) -> pb::Address {
        let kind = match self {
            Self::Ip(socket) => pb::address::Address::SocketAddress(pb::SocketAddress {
                address: socket.ip().to_string(),
                port_specifier: Some(pb::socket_address::PortSpecifier::PortValue(socket.port().into())),
                ..pb::SocketAddress::default()
            }),
            Self::Pipe(path) => pb::address::Address::Pipe(pb::Pipe { path: path.to_string(), mode: 0 }),
            Self::Internal { listener, endpoint } => {
                let named = pb::envoy_internal_address::AddressNameSpecifier::ServerListenerName(listener.to_string());
                pb::address::Address::EnvoyInternalAddress(pb::EnvoyInternalAddress {
                    endpoint_id: endpoint.to_string(),
                    address_name_specifier: Some(named),
                })
            }
        };
        pb::Address { address: Some(kind) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(socket) => socket.fmt(f),
            Self::Pipe(path) => f.write_str(path),
            Self::Internal { listener, endpoint } => write!(f, "envoy://{listener}/{endpoint}"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        Self::Ip(socket)
    }
}

/// The path of a unix socket as the system takes it: an abstract name begins with NUL.
pub fn system_path(path: &str) -> PathBuf {
    match path.strip_prefix('@') {
        Some(name) => PathBuf::from(format!("\0{name}")),
        None => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_envoy_writes_them() {
        let internal = Address::Internal { listener: "inner".into(), endpoint: "10.0.0.1:80".into() };
        assert_eq!(internal.to_string(), "envoy://inner/10.0.0.1:80");
        assert_eq!(Address::pipe("@name").unwrap().to_string(), "@name");
        let socket: SocketAddr = "[::1]:80".parse().unwrap();
        let address = Address::from(socket);
        assert_eq!((address.to_string().as_str(), address.port()), ("[::1]:80", Some(80)));
        assert_eq!(Address::pipe("/run/x").unwrap().to_json(), json!({"pipe": {"path": "/run/x"}}));
    }

    #[test]
    fn a_path_must_fit() {
        assert!(Address::pipe("").is_err() && Address::pipe("@").is_err());
        assert!(Address::pipe(&"x".repeat(107)).is_ok() && Address::pipe(&"x".repeat(108)).is_err());
    }
}

//! Where the admin interface listens: `envoy.config.bootstrap.v3.Admin`.

use std::net::SocketAddr;

use crate::proto::Reader;

/// The admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Address it binds; port 0 lets the system choose.
    pub address: SocketAddr,
}

impl Admin {
    /// Reads the message. None: it has no address, or a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // A file for CPU profiles, which the proxy does not write; the connection limits do not count admin connections.
        reader.ignore(&["profile_path", "ignore_global_conn_limit"]);
        let address = reader.message("address")?;
        let socket = address.need("socket_address")?;
        let host = socket.need_text("address")?;
        // TCP is what an admin interface speaks.
        socket.ignore(&["protocol", "resolver_name", "ipv4_compat"]);
        let port = socket.number("port_value").unwrap_or(0);
        let Ok(port) = u16::try_from(port) else {
            socket.defect("port_value", format!("{port} is no port"));
            return None;
        };
        match host.parse() {
            Ok(ip) => Some(Self { address: SocketAddr::new(ip, port) }),
            Err(_) => {
                socket.defect("address", format!("{host:?} is no IP address"));
                None
            }
        }
    }
}

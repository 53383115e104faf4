//! Sockets that listen: address, options, one socket a worker.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::net::{Keepalive, SocketOption, SocketState, set_freebind, set_options, set_transparent};
use crate::proto::Reader;

/// Most connections that wait to be accepted when the configuration does not say (Linux' own limit).
const BACKLOG: i32 = 4096;

/// One address of a listener and the options of its sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Address; port 0 lets the system choose.
    pub address: SocketAddr,
    /// An IPv6 socket takes IPv4 too.
    ipv4_compat: bool,
    /// Each worker has a socket of its own.
    reuse_port: bool,
    transparent: bool,
    freebind: bool,
    mptcp: bool,
    backlog: i32,
    keepalive: Option<Keepalive>,
    options: Vec<SocketOption>,
}

impl Bind {
    /// Reads the addresses of an `envoy.config.listener.v3.Listener` and its socket options. None: a defect was noted.
    pub fn read_all(listener: &Reader<'_>) -> Option<Vec<Self>> {
        let options = SocketOption::read_all(&listener.list("socket_options"));
        let keepalive = listener.message("tcp_keepalive").map(|reader| Keepalive::read(&reader));
        // The older name of `enable_reuse_port`; Envoy ignores it.
        listener.ignore(&["reuse_port"]);
        let base = Self {
            address: SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0),
            ipv4_compat: false,
            reuse_port: listener.opt_flag("enable_reuse_port").unwrap_or(true),
            transparent: listener.flag("transparent"),
            freebind: listener.flag("freebind"),
            mptcp: listener.flag("enable_mptcp"),
            backlog: listener.u32("tcp_backlog_size").map_or(BACKLOG, |size| i32::try_from(size).unwrap_or(i32::MAX)),
            keepalive,
            options: options?,
        };
        let first = base.at(&listener.need("address")?);
        let more: Vec<Option<Self>> =
            listener.list("additional_addresses").iter().map(|more| base.additional(more)).collect();
        std::iter::once(first).chain(more).collect()
    }

    fn additional(&self, reader: &Reader<'_>) -> Option<Self> {
        let mut bind = self.at(&reader.need("address")?)?;
        if let Some(own) = reader.message("socket_options") {
            bind.options = SocketOption::read_all(&own.list("socket_options"))?;
        }
        if let Some(own) = reader.message("tcp_keepalive") {
            bind.keepalive = Some(Keepalive::read(&own));
        }
        Some(bind)
    }

    /// The same options at the address of an `envoy.config.core.v3.Address`.
    fn at(&self, reader: &Reader<'_>) -> Option<Self> {
        let Some(socket) = reader.message("socket_address") else {
            let kind = reader.choice("address").unwrap_or_default();
            reader.defect(&kind, "the proxy listens on IP addresses only");
            return None;
        };
        if socket.word("protocol") == "UDP" {
            socket.defect("protocol", "the proxy does not have UDP listeners");
            return None;
        }
        let (ip, port) = (socket.need_text("address")?, socket.number("port_value").unwrap_or(0));
        let Ok(ip) = ip.parse::<IpAddr>() else {
            socket.defect("address", format!("{ip:?} is no IP address"));
            return None;
        };
        let Ok(port) = u16::try_from(port) else {
            socket.defect("port_value", format!("{port} is no port"));
            return None;
        };
        let ipv4_compat = socket.flag("ipv4_compat");
        Some(Self { address: SocketAddr::new(ip, port), ipv4_compat, ..self.clone() })
    }

    /// Opens one listening socket for each of `workers`.
    pub fn open(&self, workers: usize) -> io::Result<Vec<TcpListener>> {
        if !self.reuse_port {
            let socket = self.socket(self.address)?;
            return (0..workers).map(|_| socket.try_clone()).collect();
        }
        let first = self.socket(self.address)?;
        // Port 0: the others join the port that the system gave to the first.
        let address = first.local_addr()?;
        std::iter::once(Ok(first)).chain((1..workers).map(|_| self.socket(address))).collect()
    }

    fn socket(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let protocol = if self.mptcp { Protocol::MPTCP } else { Protocol::TCP };
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(protocol))?;
        socket.set_reuse_address(true)?;
        let raw = SockRef::from(&socket);
        if address.is_ipv6() {
            raw.set_only_v6(!self.ipv4_compat)?;
        }
        if self.reuse_port {
            raw.set_reuse_port(true)?;
        }
        if self.transparent {
            set_transparent(&raw, true)?;
        }
        if self.freebind {
            set_freebind(&raw, true)?;
        }
        if let Some(keepalive) = &self.keepalive {
            keepalive.set(&raw)?;
        }
        set_options(&raw, &self.options, SocketState::Prebind)?;
        socket.bind(&address.into())?;
        set_options(&raw, &self.options, SocketState::Bound)?;
        socket.listen(self.backlog)?;
        set_options(&raw, &self.options, SocketState::Listening)?;
        Ok(socket.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};

    fn read(value: &Value) -> Result<Vec<Bind>, String> {
        let defects = Defects::new();
        let reader = Reader::new(from_json("envoy.config.listener.v3.Listener", value)?, "", &defects);
        let binds = Bind::read_all(&reader);
        drop(reader);
        defects.verdict(binds).map_err(|defects| defects[0].to_string())
    }

    fn address(ip: &str) -> Value {
        json!({"socket_address": {"address": ip, "port_value": 0}})
    }

    #[test]
    fn workers_share_one_port() {
        let binds = read(&json!({
            "address": address("127.0.0.1"), "transparent": false, "tcp_keepalive": {"keepalive_time": 9},
            "additional_addresses": [{"address": address("::1")}],
        }));
        let binds = binds.unwrap();
        assert_eq!(binds.len(), 2);
        let sockets = binds[0].open(3).unwrap();
        let ports: Vec<u16> = sockets.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
        assert!(ports[0] > 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        let one = read(&json!({"address": address("127.0.0.1"), "enable_reuse_port": false})).unwrap();
        let sockets = one[0].open(2).unwrap();
        assert_eq!(sockets[0].local_addr().unwrap(), sockets[1].local_addr().unwrap());
        let taken = Bind { address: sockets[0].local_addr().unwrap(), ..one[0].clone() };
        assert!(taken.open(1).is_err(), "the port belongs to another");
    }

    #[test]
    fn addresses_that_cannot_be_listened_on_are_refused() {
        assert!(read(&json!({"address": {"pipe": {"path": "/x"}}})).unwrap_err().starts_with("address.pipe: "));
        assert!(
            read(&json!({"address": address("localhost")})).unwrap_err().starts_with("address.socket_address.address")
        );
        let udp = json!({"address": {"socket_address": {"protocol": "UDP", "address": "1.2.3.4", "port_value": 1}}});
        assert!(read(&udp).unwrap_err().contains("UDP"));
    }
}

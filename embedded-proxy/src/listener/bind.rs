//! Sockets that listen: address, options, one socket a worker.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockRef, Type};

use super::pipe::Pipe;
use super::sockets::{Opened, Socket};
use crate::net::{Address, Keepalive, SocketOption, SocketState, set_freebind, set_options, set_transparent};
use crate::proto::Reader;

/// Most connections that wait to be accepted when the configuration does not say (Linux' own limit).
const BACKLOG: i32 = 4096;

/// One address of a listener and the options of its sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Address; port 0 lets the system choose.
    pub address: Address,
    /// Permissions of a unix socket; 0 leaves them to the system.
    mode: u32,
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
    /// Reads an `envoy.config.core.v3.Address` that has no options, the one of the admin interface. None: a defect was
    /// noted.
    pub fn read(address: &Reader<'_>) -> Option<Self> {
        Self { reuse_port: false, ..Self::plain() }.at(address)
    }

    /// The address of a listener inside the proxy, where nothing is bound.
    pub fn internal(name: &str) -> Self {
        Self { address: Address::Internal { listener: name.into(), endpoint: "".into() }, ..Self::plain() }
    }

    fn plain() -> Self {
        Self {
            address: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0).into(),
            mode: 0,
            ipv4_compat: false,
            reuse_port: true,
            transparent: false,
            freebind: false,
            mptcp: false,
            backlog: BACKLOG,
            keepalive: None,
            options: Vec::new(),
        }
    }

    /// Reads the addresses of an `envoy.config.listener.v3.Listener` and its socket options. None: a defect was noted.
    pub fn read_all(listener: &Reader<'_>) -> Option<Vec<Self>> {
        let options = SocketOption::read_all(&listener.list("socket_options"));
        let keepalive = listener.message("tcp_keepalive").map(|reader| Keepalive::read(&reader));
        // The older name of `enable_reuse_port`; Envoy ignores it.
        listener.ignore(&["reuse_port"]);
        let base = Self {
            reuse_port: listener.opt_flag("enable_reuse_port").unwrap_or(true),
            transparent: listener.flag("transparent"),
            freebind: listener.flag("freebind"),
            mptcp: listener.flag("enable_mptcp"),
            backlog: listener.u32("tcp_backlog_size").map_or(BACKLOG, |size| i32::try_from(size).unwrap_or(i32::MAX)),
            keepalive,
            options: options?,
            ..Self::plain()
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
        if let Some(pipe) = reader.message("pipe") {
            return self.at_pipe(&pipe);
        }
        let Some(socket) = reader.message("socket_address") else {
            let kind = reader.choice("address").unwrap_or_default();
            reader.defect(&kind, "the proxy listens on IP addresses and unix sockets only");
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
        Some(Self { address: SocketAddr::new(ip, port).into(), ipv4_compat, ..self.clone() })
    }

    /// The same backlog at a `envoy.config.core.v3.Pipe`; the other options are for IP sockets.
    fn at_pipe(&self, reader: &Reader<'_>) -> Option<Self> {
        let path = reader.need_text("path")?;
        let mode = reader.u32("mode").unwrap_or(0);
        let address = Address::pipe(&path).map_err(|error| reader.defect("path", error)).ok()?;
        if mode > 0 && path.starts_with('@') {
            reader.defect("mode", "an abstract unix socket has no permissions");
            return None;
        }
        Some(Self { address, mode, ..self.clone() })
    }

    /// Opens one listening socket for each of `workers`.
    pub fn open(&self, workers: usize) -> io::Result<Opened> {
        match &self.address {
            Address::Ip(address) => {
                let sockets = self.open_tcp(*address, workers)?;
                let address = sockets.first().map_or(Ok(*address), TcpListener::local_addr)?;
                Ok(Opened {
                    address: address.into(),
                    sockets: sockets.into_iter().map(Socket::Tcp).collect(),
                    pipe: None,
                })
            }
            Address::Pipe(path) => {
                let (socket, pipe) = Pipe::open(path, self.mode, self.backlog)?;
                let sockets: io::Result<Vec<Socket>> =
                    (0..workers).map(|_| socket.try_clone().map(Socket::Unix)).collect();
                Ok(Opened { address: self.address.clone(), sockets: sockets?, pipe: Some(pipe) })
            }
            // Reading refuses them.
            Address::Internal { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn open_tcp(&self, address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
        let first = self.socket(address)?;
        if !self.reuse_port {
            return (0..workers).map(|_| first.try_clone()).collect();
        }
        // Port 0: the others join the port that the system gave to the first.
        let address = first.local_addr()?;
        std::iter::once(Ok(first)).chain((1..workers).map(|_| self.socket(address))).collect()
    }

    fn socket(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let protocol = if self.mptcp { Protocol::MPTCP } else { Protocol::TCP };
        let socket = socket2::Socket::new(domain, Type::STREAM.nonblocking(), Some(protocol))?;
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

    fn ports(bind: &Bind, workers: usize) -> io::Result<Vec<SocketAddr>> {
        let opened = bind.open(workers)?;
        let port = |socket: &Socket| match socket {
            Socket::Tcp(socket) => socket.local_addr(),
            Socket::Unix(_) => Err(io::ErrorKind::Other.into()),
        };
        opened.sockets.iter().map(port).collect()
    }

    #[test]
    fn workers_share_one_port() {
        let binds = read(&json!({
            "address": address("127.0.0.1"), "transparent": false, "tcp_keepalive": {"keepalive_time": 9},
            "additional_addresses": [{"address": address("::1")}],
        }));
        let binds = binds.unwrap();
        assert_eq!(binds.len(), 2);
        let ports = ports(&binds[0], 3).unwrap();
        assert!(ports[0].port() > 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        let one = read(&json!({"address": address("127.0.0.1"), "enable_reuse_port": false})).unwrap();
        let opened = one[0].open(2).unwrap();
        assert_eq!(opened.sockets.len(), 2);
        let taken = Bind { address: opened.address.clone(), ..one[0].clone() };
        assert!(taken.open(1).is_err(), "the port belongs to another");
    }

    #[test]
    fn addresses_that_cannot_be_listened_on_are_refused() {
        let refused = |address: &Value| read(&json!({ "address": address })).unwrap_err();
        assert!(refused(&json!({"pipe": {"path": "x".repeat(108)}})).starts_with("address.pipe.path: "));
        assert!(refused(&json!({"pipe": {"path": "@x", "mode": 384}})).starts_with("address.pipe.mode: "));
        let internal = json!({"envoy_internal_address": {"server_listener_name": "x"}});
        assert!(refused(&internal).starts_with("address.envoy_internal_address: "));
        assert!(refused(&address("localhost")).starts_with("address.socket_address.address"));
        let udp = json!({"socket_address": {"protocol": "UDP", "address": "1.2.3.4", "port_value": 1}});
        assert!(refused(&udp).contains("UDP"));
    }
}

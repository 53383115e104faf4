//! Runs the listener filters on a connection.
//!
//! Filters wait for bytes at most `listener_filters_timeout` altogether; what happens then is
//! `continue_on_listener_filters_timeout`. There is one exception, so that protocols in which the server speaks first
//! (MySQL, SMTP, FTP) do not wait that long: a client that has sent nothing at all for [`SILENCE`] is taken as one that
//! waits, when the chain that a silent plain connection takes is opaque TCP. Other clients gain nothing by going on.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::filter::{HttpInspector, Kind, TlsInspector};
use super::inspect::{client_hello, http, proxy_protocol};
use super::proxy::ProxyProtocol;
use super::{Facts, ListenerConfig};
use crate::net::{Address, Io};
use crate::stream::Connection;

/// How long a client may be silent before it is taken as one that waits for the server.
pub const SILENCE: Duration = Duration::from_millis(300);

/// Most bytes that are looked at.
const MOST: usize = 96 * 1024;

/// Namespace of the metadata that say where a connection inside the proxy goes.
const DESTINATION: &str = "envoy.filters.listener.original_dst";
/// Filter state that says the same.
const LOCAL: &str = "envoy.filters.listener.original_dst.local_ip";
/// Filter state that says where such a connection comes from.
const REMOTE: &str = "envoy.filters.listener.original_dst.remote_ip";

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The client closed, or the connection broke.
    Gone,
    /// The client took too long.
    Timeout,
    /// The bytes are not what a filter insists on.
    Broken,
}

/// A connection whose first bytes are being looked at.
pub(super) struct Sniff {
    pub io: Io,
    /// Bytes read and not taken by a filter.
    pub bytes: BytesMut,
    pub connection: Connection,
    ended: bool,
    /// The client is taken as one that waits for the server: nothing is waited for any more.
    silent: bool,
    deadline: Option<Instant>,
}

impl Sniff {
    pub fn new(io: Io, connection: Connection) -> Self {
        Self { io, bytes: BytesMut::new(), connection, ended: false, silent: false, deadline: None }
    }

    /// Facts for the choice of a filter chain.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            local: &self.connection.local,
            remote: &self.connection.remote,
            peer: &self.connection.peer,
            server_name: self.connection.sni.as_deref().unwrap_or_default(),
            transport_protocol: self.connection.transport_protocol,
            application_protocols: &self.connection.application_protocols,
            state: &self.connection.state,
            metadata: &self.connection.metadata,
        }
    }

    /// Runs the filters of a listener in order.
    pub async fn run(&mut self, config: &ListenerConfig) -> Result<(), Refused> {
        self.deadline = config.filters_timeout.map(|timeout| Instant::now() + timeout);
        for filter in &config.filters {
            if !filter.runs(self.connection.local.port()) {
                continue;
            }
            let done = match &filter.kind {
                Kind::OriginalDst => {
                    self.original_dst();
                    Ok(())
                }
                Kind::Tls(inspector) => self.tls(inspector, config).await,
                Kind::Http(inspector) => self.http(inspector, config).await,
                Kind::Proxy(proxy) => self.proxy(proxy, config).await,
            };
            match done {
                Err(Refused::Timeout) if config.continue_on_timeout => {
                    config.stats.pre_timeout.inc();
                    return Ok(());
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// More bytes. False: there are none; the filters see what there is.
    async fn more(&mut self, config: &ListenerConfig) -> Result<bool, Refused> {
        if self.ended || self.silent || self.bytes.len() >= MOST {
            return Ok(false);
        }
        let quiet = self.bytes.is_empty() && self.may_wait_for_server(config);
        let silence = quiet.then(|| Instant::now() + SILENCE);
        let until = silence.into_iter().chain(self.deadline).min();
        let read = self.io.read_buf(&mut self.bytes);
        let read = match until {
            Some(until) => timeout_at(until, read).await,
            None => Ok(read.await),
        };
        match read {
            Ok(Ok(0)) => {
                self.ended = true;
                // A client that says nothing and goes; one that has said all may still want an answer.
                if self.bytes.is_empty() { Err(Refused::Gone) } else { Ok(false) }
            }
            Ok(Ok(_)) => Ok(true),
            Ok(Err(_)) => Err(Refused::Gone),
            Err(_) if silence.is_some() && until == silence => {
                self.silent = true;
                Ok(false)
            }
            Err(_) => Err(Refused::Timeout),
        }
    }

    fn may_wait_for_server(&self, config: &ListenerConfig) -> bool {
        let facts =
            Facts { server_name: "", transport_protocol: "raw_buffer", application_protocols: &[], ..self.facts() };
        config.find(&facts).is_some_and(|chain| chain.network.server_may_speak_first())
    }

    /// Restores the address that a redirected connection was meant for.
    fn original_dst(&mut self) {
        if let Address::Internal { .. } = self.connection.bound {
            return self.destination_inside();
        }
        // An error means that the connection was not redirected.
        let Some(Ok(Some(original))) = self.io.tcp().map(original_dst) else { return };
        let original = Address::Ip(original);
        if original != self.connection.local {
            self.connection.local = original;
            self.connection.local_restored = true;
        }
    }

    /// Inside the proxy whoever connects says what the connection is for: in dynamic metadata, or else in filter state.
    fn destination_inside(&mut self) {
        let connection = &mut self.connection;
        let metadata = connection.metadata.get(DESTINATION).and_then(|all| all.get("local")?.as_str());
        let local = metadata.or_else(|| connection.state.get(LOCAL).map(String::as_str));
        let remote = connection.state.get(REMOTE);
        let (local, remote) = (local.and_then(address), remote.and_then(|text| address(text)));
        if let Some(local) = local {
            connection.local = local;
            connection.local_restored = true;
        }
        if let Some(remote) = remote {
            connection.remote = remote;
        }
    }

    async fn tls(&mut self, inspector: &TlsInspector, config: &ListenerConfig) -> Result<(), Refused> {
        loop {
            match client_hello::inspect(&self.bytes, inspector.max) {
                client_hello::Seen::Hello(hello) => {
                    inspector.found.inc();
                    inspector.sni[usize::from(hello.server_name.is_some())].inc();
                    inspector.alpn[usize::from(!hello.protocols.is_empty())].inc();
                    self.connection.transport_protocol = "tls";
                    self.connection.sni = hello.server_name;
                    self.connection.application_protocols = hello.protocols;
                    return Ok(());
                }
                client_hello::Seen::TooLarge => {
                    inspector.too_large.inc();
                    return Err(Refused::Broken);
                }
                client_hello::Seen::More if self.more(config).await? => {}
                seen => {
                    inspector.not_found.inc();
                    let broken =
                        inspector.close && seen == client_hello::Seen::Other && self.bytes.first() == Some(&22);
                    return if broken { Err(Refused::Broken) } else { Ok(()) };
                }
            }
        }
    }

    async fn http(&mut self, inspector: &HttpInspector, config: &ListenerConfig) -> Result<(), Refused> {
        if self.connection.transport_protocol == "tls" {
            return Ok(());
        }
        loop {
            match http::inspect(&self.bytes) {
                http::Seen::Http(protocol) => {
                    match protocol {
                        "http/1.0" => &inspector.http10,
                        "http/1.1" => &inspector.http11,
                        _ => &inspector.http2,
                    }
                    .inc();
                    self.connection.application_protocols = vec![protocol.to_string()];
                    return Ok(());
                }
                http::Seen::More if self.more(config).await? => {}
                http::Seen::More | http::Seen::Other => {
                    inspector.not_found.inc();
                    return Ok(());
                }
            }
        }
    }

    async fn proxy(&mut self, proxy: &ProxyProtocol, config: &ListenerConfig) -> Result<(), Refused> {
        loop {
            match proxy_protocol::inspect(&self.bytes) {
                proxy_protocol::Seen::Header(header) => {
                    if !proxy.takes(&header) {
                        return Err(Refused::Broken);
                    }
                    bytes::Buf::advance(&mut self.bytes, header.length);
                    self.connection.metadata.extend(proxy.metadata(&header));
                    if let Some((remote, local)) = header.addresses {
                        self.connection.remote = remote.into();
                        let local = Address::Ip(local);
                        self.connection.local_restored |= self.connection.local != local;
                        self.connection.local = local;
                    }
                    return Ok(());
                }
                proxy_protocol::Seen::More if self.more_of_header(proxy, config).await? => {}
                proxy_protocol::Seen::Broken(why) => {
                    tracing::debug!("PROXY header: {why}");
                    proxy.error.inc();
                    return Err(Refused::Broken);
                }
                proxy_protocol::Seen::More | proxy_protocol::Seen::Other => {
                    proxy.without[usize::from(proxy.optional)].inc();
                    if proxy.optional {
                        return Ok(());
                    }
                    proxy.error.inc();
                    return Err(Refused::Broken);
                }
            }
        }
    }

    /// As [`Sniff::more`]; but silence says nothing where a header must come.
    async fn more_of_header(&mut self, proxy: &ProxyProtocol, config: &ListenerConfig) -> Result<bool, Refused> {
        if proxy.optional {
            return self.more(config).await;
        }
        loop {
            if self.more(config).await? {
                return Ok(true);
            }
            if !std::mem::take(&mut self.silent) {
                return Ok(false);
            }
        }
    }
}

/// IP address and port.
fn address(text: &str) -> Option<Address> {
    text.parse::<SocketAddr>().ok().map(Address::Ip)
}

/// The original destination that the system remembers of a redirected connection.
fn original_dst(tcp: &TcpStream) -> io::Result<Option<SocketAddr>> {
    let socket = SockRef::from(tcp);
    let mapped = tcp.local_addr()?.ip().to_canonical().is_ipv4();
    let address = if mapped { socket.original_dst_v4()? } else { socket.original_dst_v6()? };
    Ok(address.as_socket().filter(|address| {
        let unspecified = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        !unspecified.contains(&address.ip())
    }))
}

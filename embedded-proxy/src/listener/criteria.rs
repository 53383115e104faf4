//! What a filter chain asks of a connection: `envoy.config.listener.v3.FilterChainMatch`.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::matching::read_cidrs;
use crate::proto::Reader;

/// Where a client is, seen from the proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceType {
    /// Anywhere.
    #[default]
    Any,
    /// On this machine: loopback, or the address it connected to.
    SameIpOrLoopback,
    /// Anywhere else.
    External,
}

/// Criteria of a filter chain. An empty one takes everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Port the client connected to.
    pub destination_port: Option<u16>,
    /// Addresses the client connected to.
    pub destinations: BTreeSet<IpNet>,
    /// Server names: exact, or a suffix that begins with a dot (from `*.example.com`).
    pub server_names: BTreeSet<String>,
    /// `tls` or `raw_buffer`; empty takes both.
    pub transport_protocol: String,
    /// Application protocols, one of which the client must offer.
    pub application_protocols: BTreeSet<String>,
    /// Addresses of the socket's peer.
    pub direct_sources: BTreeSet<IpNet>,
    /// Where the client is.
    pub source_type: SourceType,
    /// Addresses of the client.
    pub sources: BTreeSet<IpNet>,
    /// Ports of the client.
    pub source_ports: BTreeSet<u16>,
}

impl Criteria {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let nets = |field| read_cidrs(&reader.list(field)).map(|nets| nets.into_iter().collect());
        let destinations = nets("prefix_ranges");
        let direct_sources = nets("direct_source_prefix_ranges");
        let sources = nets("source_prefix_ranges");
        let destination_port = reader.number("destination_port").map(|number| port(reader, "destination_port", number));
        let ports = reader.numbers("source_ports");
        let source_ports: Vec<_> = ports.into_iter().map(|number| port(reader, "source_ports", number)).collect();
        let source_type = match reader.word("source_type").as_str() {
            "SAME_IP_OR_LOOPBACK" => SourceType::SameIpOrLoopback,
            "EXTERNAL" => SourceType::External,
            _ => SourceType::Any,
        };
        let names = reader.texts("server_names");
        let server_names: Vec<_> = names.iter().map(|name| server_name(reader, name)).collect();
        Some(Self {
            destination_port: match destination_port {
                Some(port) => Some(port?),
                None => None,
            },
            destinations: destinations?,
            server_names: server_names.into_iter().collect::<Option<_>>()?,
            transport_protocol: reader.text("transport_protocol"),
            application_protocols: reader.texts("application_protocols").into_iter().collect(),
            direct_sources: direct_sources?,
            source_type,
            sources: sources?,
            source_ports: source_ports.into_iter().collect::<Option<_>>()?,
        })
    }
}

/// A port from 1 to 65535.
fn port(reader: &Reader<'_>, field: &str, number: u64) -> Option<u16> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    if port.is_none() {
        reader.defect(field, format!("{number} is no port"));
    }
    port
}

/// `*.example.com` becomes `.example.com`; a star anywhere else is refused, as in Envoy.
fn server_name(reader: &Reader<'_>, name: &str) -> Option<String> {
    let plain = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    if plain.contains('*') {
        reader.defect("server_names", format!("partial wildcards are not supported: {name:?}"));
        return None;
    }
    Some(plain.to_string())
}

//! What trees look at: inputs by the type of their message, and the values that stand behind them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::super::{Field, at};
use crate::net::Address;
use crate::proto::Reader;

/// What is known where a tree is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A connection of which no byte was taken: no certificate, no request.
    Accepted,
    /// A connection with its TLS handshake done.
    Connection,
    /// A request on a connection.
    Request,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Address the client connected to.
    DestinationIp,
    /// Port the client connected to.
    DestinationPort,
    /// Address of the client.
    SourceIp,
    /// Port of the client.
    SourcePort,
    /// Address of the socket's peer.
    DirectSourceIp,
    /// `local` for a client on this machine.
    SourceType,
    /// Server name of the TLS hello.
    ServerName,
    /// `tls` or `raw_buffer`.
    TransportProtocol,
    /// Protocols that the client offered: `'h2','http/1.1'`.
    ApplicationProtocol,
    /// Text under a key of the filter state.
    FilterState(String),
    /// Value of the dynamic metadata: namespace and the keys below it.
    Metadata(String, Vec<String>),
    /// URI names of the peer's certificate, joined by commas.
    UriNames,
    /// DNS names of the peer's certificate, joined by commas.
    DnsNames,
    /// Subject of the peer's certificate.
    Subject,
    /// A header of the request.
    RequestHeader(Field),
    /// A parameter of the request's query.
    QueryParameter(String),
}

impl Input {
    /// Reads a `TypedExtensionConfig`. One that this level does not have is a defect.
    pub(super) fn read(reader: &Reader<'_>, level: Level) -> Option<Self> {
        // The type of the configuration says what it is.
        reader.ignore(&["name"]);
        let (name, config) = reader.any("typed_config")?;
        let (input, needs) = match name.as_str() {
            "envoy.type.matcher.v3.HttpRequestHeaderMatchInput" => {
                (Self::RequestHeader(header(&config)?), Level::Request)
            }
            "envoy.type.matcher.v3.HttpRequestQueryParamMatchInput" => {
                (Self::QueryParameter(config.need_text("query_param")?), Level::Request)
            }
            name => match name.strip_prefix("envoy.extensions.matching.common_inputs.").unwrap_or_default() {
                "network.v3.DestinationIPInput" => (Self::DestinationIp, Level::Accepted),
                "network.v3.DestinationPortInput" => (Self::DestinationPort, Level::Accepted),
                "network.v3.SourceIPInput" => (Self::SourceIp, Level::Accepted),
                "network.v3.SourcePortInput" => (Self::SourcePort, Level::Accepted),
                "network.v3.DirectSourceIPInput" => (Self::DirectSourceIp, Level::Accepted),
                "network.v3.SourceTypeInput" => (Self::SourceType, Level::Accepted),
                "network.v3.ServerNameInput" => (Self::ServerName, Level::Accepted),
                "network.v3.TransportProtocolInput" => (Self::TransportProtocol, Level::Accepted),
                "network.v3.ApplicationProtocolInput" => (Self::ApplicationProtocol, Level::Accepted),
                "network.v3.FilterStateInput" => (Self::FilterState(config.need_text("key")?), Level::Accepted),
                "network.v3.DynamicMetadataInput" => (metadata(&config)?, Level::Accepted),
                "ssl.v3.UriSanInput" => (Self::UriNames, Level::Connection),
                "ssl.v3.DnsSanInput" => (Self::DnsNames, Level::Connection),
                "ssl.v3.SubjectInput" => (Self::Subject, Level::Connection),
                _ => {
                    config.ignore_all();
                    config.defect("", format!("the proxy does not have the input {name}"));
                    return None;
                }
            },
        };
        if needs > level {
            reader.defect("typed_config", format!("{name} is not known at this place"));
            return None;
        }
        Some(input)
    }

    /// Whether its value is a structure and no text.
    pub(super) fn is_structure(&self) -> bool {
        matches!(self, Self::Metadata(..))
    }
}

fn header(config: &Reader<'_>) -> Option<Field> {
    let field = Field::new(&config.need_text("header_name")?);
    if field.is_none() {
        config.defect("header_name", "is no name of a header");
    }
    field
}

fn metadata(config: &Reader<'_>) -> Option<Input> {
    let path: Vec<_> = config.list("path").iter().map(|segment| segment.need_text("key")).collect();
    Some(Input::Metadata(config.need_text("filter")?, path.into_iter().collect::<Option<_>>()?))
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'v> {
    /// A text; headers need not be UTF-8.
    Text(Cow<'v, [u8]>),
    /// An address.
    Ip(IpAddr),
    /// A number.
    Number(u64),
    /// A structure.
    Json(&'v Value),
}

impl<'v> Datum<'v> {
    /// A text.
    pub fn text(text: &'v str) -> Self {
        Self::Text(text.as_bytes().into())
    }

    /// The value as text; none for a structure.
    pub(super) fn as_text(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Ip(ip) => Some(ip.to_string().into_bytes().into()),
            Self::Number(number) => Some(number.to_string().into_bytes().into()),
            Self::Json(_) => None,
        }
    }

    /// The value as an address; none when it is none.
    pub(super) fn as_ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Self::Number(_) | Self::Json(_) => None,
        }
    }
}

/// Where values come from.
pub trait Values {
    /// The value of an input; none when there is none.
    fn value(&self, input: &Input) -> Option<Datum<'_>>;
}

/// What is known of every connection.
#[derive(Debug, Clone, Copy)]
pub struct Network<'f> {
    /// Address the client connected to, restored when it was redirected.
    pub local: &'f Address,
    /// Address of the client.
    pub remote: &'f Address,
    /// Address of the socket's peer.
    pub peer: &'f Address,
    /// Server name of the TLS hello, lower case; empty without one.
    pub server_name: &'f str,
    /// `tls` or `raw_buffer`; empty when it is not known.
    pub transport_protocol: &'f str,
    /// Protocols the client offered or the HTTP inspector saw, in order.
    pub application_protocols: &'f [String],
    /// Filter state.
    pub state: &'f BTreeMap<String, String>,
    /// Dynamic metadata by namespace.
    pub metadata: &'f BTreeMap<String, Value>,
}

/// IPv4 inside IPv6 is IPv4.
fn canonical(address: &Address) -> Option<IpAddr> {
    address.ip().map(|ip| ip.to_canonical())
}

impl<'f> Network<'f> {
    /// Whether the client is on this machine: loopback, or the address it connected to. What is no IP address is.
    pub fn is_local(&self) -> bool {
        let remote = canonical(self.remote);
        remote.is_none_or(|remote| remote.is_loopback() || Some(remote) == canonical(self.local))
    }

    /// The value of an input; none when there is none, as of requests.
    pub fn get(self, input: &Input) -> Option<Datum<'f>> {
        match input {
            Input::DestinationIp => canonical(self.local).map(Datum::Ip),
            Input::DestinationPort => self.local.port().map(|port| Datum::Number(port.into())),
            Input::SourceIp => canonical(self.remote).map(Datum::Ip),
            Input::SourcePort => self.remote.port().map(|port| Datum::Number(port.into())),
            Input::DirectSourceIp => canonical(self.peer).map(Datum::Ip),
            Input::SourceType => self.is_local().then(|| Datum::text("local")),
            Input::ServerName => not_empty(self.server_name),
            Input::TransportProtocol => not_empty(self.transport_protocol),
            Input::ApplicationProtocol => {
                let all = self.application_protocols;
                (!all.is_empty()).then(|| Datum::Text(format!("'{}'", all.join("','")).into_bytes().into()))
            }
            Input::FilterState(key) => self.state.get(key).map(|text| Datum::text(text)),
            Input::Metadata(filter, path) => at(self.metadata.get(filter)?, path).map(Datum::Json),
            Input::UriNames | Input::DnsNames | Input::Subject | Input::RequestHeader(_) | Input::QueryParameter(_) => {
                None
            }
        }
    }
}

impl Values for Network<'_> {
    fn value(&self, input: &Input) -> Option<Datum<'_>> {
        self.get(input)
    }
}

fn not_empty(text: &str) -> Option<Datum<'_>> {
    (!text.is_empty()).then(|| Datum::text(text))
}

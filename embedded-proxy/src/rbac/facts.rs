//! What rules may look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::http::RequestHead;
use crate::matching::tree::{Datum, Input, Network, Values};
use crate::matching::{Fields as _, parameter};
use crate::stream::{Connection, Exchange, StreamInfo};

/// The facts of one decision. Without a request (`head` is none) rules about requests do not match.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The connection.
    pub connection: &'f Connection,
    /// The request, for HTTP.
    pub head: Option<&'f RequestHead>,
    /// Address of the client as far as it is trusted: from x-forwarded-for, PROXY protocol or the connection.
    pub remote: Option<IpAddr>,
    /// Dynamic metadata by namespace.
    pub metadata: &'f BTreeMap<String, Value>,
    /// Metadata of the matched route by namespace; none without a route.
    pub route_metadata: Option<&'f BTreeMap<String, Value>>,
    /// Filter state.
    pub state: &'f BTreeMap<String, String>,
    /// The record so far, for HTTP.
    pub info: Option<&'f StreamInfo>,
}

impl<'f> Facts<'f> {
    /// Facts of a connection alone.
    pub fn of_connection(connection: &'f Connection) -> Self {
        Self {
            connection,
            head: None,
            remote: connection.remote.ip(),
            metadata: &connection.metadata,
            route_metadata: None,
            state: &connection.state,
            info: None,
        }
    }

    /// The facts that trees of matchers know of every connection.
    fn network(&self) -> Network<'f> {
        let connection = self.connection;
        Network {
            local: &connection.local,
            remote: &connection.remote,
            peer: &connection.peer,
            server_name: connection.sni.as_deref().unwrap_or_default(),
            transport_protocol: connection.transport_protocol,
            application_protocols: &connection.application_protocols,
            state: self.state,
            metadata: self.metadata,
        }
    }

    /// Facts of a request.
    pub fn of_exchange(exchange: &'f Exchange) -> Self {
        Self {
            connection: &exchange.connection,
            head: Some(&exchange.request.head),
            remote: exchange.client().ip(),
            metadata: &exchange.info.metadata,
            route_metadata: exchange.info.route_metadata.as_deref(),
            state: &exchange.info.state,
            info: Some(&exchange.info),
        }
    }
}

impl Values for Facts<'_> {
    fn value(&self, input: &Input) -> Option<Datum<'_>> {
        let names = |names: &[String]| (!names.is_empty()).then(|| Datum::Text(names.join(",").into_bytes().into()));
        let tls = || self.connection.tls.as_ref().filter(|tls| tls.verified);
        match input {
            Input::RequestHeader(field) => self.head?.value(field).map(Datum::Text),
            Input::QueryParameter(name) => {
                let value = parameter(self.head?.query(), name)?;
                Some(Datum::Text(crate::telemetry::format::percent_decode(value).into_bytes().into()))
            }
            Input::UriNames => names(&tls()?.peer_uris),
            Input::DnsNames => names(&tls()?.peer_dns),
            Input::Subject => {
                Some(&tls()?.peer_subject).filter(|subject| !subject.is_empty()).map(|text| Datum::text(text))
            }
            Input::SourceIp => self.remote.map(|ip| Datum::Ip(ip.to_canonical())),
            input => self.network().get(input),
        }
    }
}

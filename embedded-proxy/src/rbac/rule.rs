//! One rule of a policy: a permission or a principal, which differ only in where they may stand.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Facts;
use crate::http::Headers;
use crate::matching::{FilterStateMatcher, HeaderMatcher, MetadataMatcher, PathMatcher, StringMatcher};
use crate::route::Template;
use crate::stream::Tls;

/// Where a metadata rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Dynamic metadata of the connection or request.
    Dynamic,
    /// Metadata of the matched route.
    Route,
}

/// Which name of a certificate a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// URI names.
    Uri,
    /// DNS names.
    Dns,
}

/// A permission or a principal.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// All of these.
    All(Vec<Rule>),
    /// One of these.
    Any(Vec<Rule>),
    /// Not this.
    Not(Box<Rule>),
    /// Everything.
    Always,
    /// A header field of the request.
    Header(HeaderMatcher),
    /// The path of the request without its query.
    Path(PathMatcher),
    /// The path of the request, as a template.
    Template(Template),
    /// A value in metadata.
    Metadata(Source, MetadataMatcher),
    /// A value in the filter state.
    FilterState(FilterStateMatcher),
    /// TLS with any name (none) or with this one: a URI name, a DNS name or the subject of the peer's certificate.
    Authenticated(Option<StringMatcher>),
    /// A verified certificate, with such a name if one is asked for.
    Mtls(Option<(NameKind, StringMatcher)>),
    /// Address of the client on the connection; PROXY protocol may have changed it.
    Source(IpNet),
    /// Address of the socket's peer.
    DirectRemote(IpNet),
    /// Address of the client as far as it is trusted.
    Remote(IpNet),
    /// Address the client connected to.
    Destination(IpNet),
    /// Port the client connected to: start included, end not.
    Port(u32, u32),
    /// Server name from the TLS hello, empty when there is none.
    ServerName(StringMatcher),
}

impl Rule {
    /// Whether the facts satisfy the rule.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let connection = facts.connection;
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.matches(facts)),
            Self::Any(rules) => rules.iter().any(|rule| rule.matches(facts)),
            Self::Not(rule) => !rule.matches(facts),
            Self::Always => true,
            Self::Header(matcher) => match facts.head {
                Some(head) => matcher.matches(head),
                None => matcher.matches(&Headers::new()),
            },
            Self::Path(matcher) => facts.head.is_some_and(|head| !head.path.is_empty() && matcher.matches(head)),
            Self::Template(template) => facts.head.is_some_and(|head| template.matches(head.path_only())),
            Self::Metadata(Source::Dynamic, matcher) => matcher.matches(facts.metadata),
            Self::Metadata(Source::Route, matcher) => facts.route_metadata.is_some_and(|route| matcher.matches(route)),
            Self::FilterState(matcher) => matcher.matches(facts.state),
            Self::Authenticated(name) => connection.tls.as_ref().is_some_and(|tls| authenticated(tls, name.as_ref())),
            Self::Mtls(name) => connection.tls.as_ref().is_some_and(|tls| mtls(tls, name.as_ref())),
            Self::Source(range) => within(range, connection.remote.ip()),
            Self::DirectRemote(range) => within(range, connection.peer.ip()),
            Self::Remote(range) => within(range, facts.remote),
            Self::Destination(range) => within(range, connection.local.ip()),
            Self::Port(start, end) => {
                connection.local.port().is_some_and(|port| (*start..*end).contains(&u32::from(port)))
            }
            Self::ServerName(matcher) => matcher.matches(connection.sni.as_deref().unwrap_or_default()),
        }
    }
}

/// Addresses that are no IP addresses are in no range.
fn within(range: &IpNet, address: Option<IpAddr>) -> bool {
    address.is_some_and(|address| range.contains(&address))
}

/// As Envoy's `authenticated`: without a name any TLS connection, otherwise the URI names, then the DNS names, then the
/// subject. Names in a certificate that was not verified do not count.
fn authenticated(tls: &Tls, name: Option<&StringMatcher>) -> bool {
    let Some(matcher) = name else { return true };
    if !tls.verified {
        return matcher.matches("");
    }
    tls.peer_uris.iter().any(|uri| matcher.matches(uri))
        || tls.peer_dns.iter().any(|name| matcher.matches(name))
        || matcher.matches(&tls.peer_subject)
}

fn mtls(tls: &Tls, name: Option<&(NameKind, StringMatcher)>) -> bool {
    let names = |kind| match kind {
        NameKind::Uri => &tls.peer_uris,
        NameKind::Dns => &tls.peer_dns,
    };
    tls.verified && name.is_none_or(|(kind, matcher)| names(*kind).iter().any(|name| matcher.matches(name)))
}

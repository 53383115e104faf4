//! HTTP routes: for some hosts, seen from some clients or at some gateways, rules in the order in which they are tried.

use std::sync::Arc;
use std::time::Duration;

use super::{
    ClientMatch, Cors, Fault, HeaderEdits, HostPattern, HttpAction, HttpMatch, Key, Loss, Mirror, Name, Origin, Retry,
    Rewrite, Visibility,
};

/// Rules for requests to some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRoutes {
    /// Where they are declared; for merged ones the first object.
    pub origin: Origin,
    /// Namespace of the object.
    pub namespace: Name,
    /// Hosts, full names or wildcards.
    pub hosts: Vec<HostPattern>,
    /// Where they hold.
    pub attachment: Attachment,
    /// Namespaces that see them (clients in the mesh, or gateways of those namespaces).
    pub visibility: Visibility,
    /// The first rule that matches decides.
    pub rules: Vec<Arc<HttpRule>>,
    /// What happens when none does.
    pub otherwise: Otherwise,
}

/// Where routes hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attachment {
    /// In the proxies of callers, for requests whose host is one of the hosts.
    Hosts,
    /// In the proxies of callers, for requests to the address of a service, whatever their host.
    Service {
        /// The service.
        service: Key,
        /// One of its ports, or all.
        port: Option<u16>,
        /// Which clients. Routes for one namespace's clients win over those for all.
        clients: ClientMatch,
    },
    /// At a gateway.
    Gateway {
        /// The gateway.
        gateway: Key,
        /// One of its listeners, or all that fit.
        listener: Option<Name>,
        /// One of its ports, or all.
        port: Option<u16>,
    },
}

/// What happens to requests that no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Otherwise {
    /// 404.
    NotFound,
    /// As if there were no routes: to the service itself.
    Service,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// Where it is declared.
    pub origin: Origin,
    /// Its name, may be empty.
    pub name: Name,
    /// One of these must hold; none at all means every request.
    pub matches: Vec<HttpMatch>,
    /// What happens.
    pub action: HttpAction,
    /// Rewrite before forwarding.
    pub rewrite: Option<Rewrite>,
    /// Header edits.
    pub headers: HeaderEdits,
    /// Time for the whole exchange, retries included; without end when not set.
    pub timeout: Option<Duration>,
    /// Longest silence of an exchange.
    pub idle_timeout: Option<Duration>,
    /// Retries; the mesh's default when not set.
    pub retry: Option<Retry>,
    /// Faults.
    pub fault: Option<Fault>,
    /// Copies.
    pub mirrors: Vec<Mirror>,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// Requests of a session stay with one endpoint.
    pub session: Option<Session>,
    /// What the dialect says and this rule does not have.
    pub losses: Vec<Loss>,
}

/// A session that stays with one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Cookie or header that carries it.
    pub carrier: SessionCarrier,
    /// Life of the cookie; until the browser closes when not set.
    pub ttl: Option<Duration>,
}

/// What carries a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionCarrier {
    /// A cookie, with its path.
    Cookie(Name, Name),
    /// A header.
    Header(Name),
}

//! What an HTTP route does with a request.

use std::time::Duration;

use super::{Name, Origin, Share, TextMatch};

/// The end of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAction {
    /// To one of the targets, by weight. Without targets, or when all weights are 0, it is an error of the mesh (500/503
    /// by [`Targets::none`]).
    Forward(Targets),
    /// Sent elsewhere.
    Redirect(Redirect),
    /// A fixed answer.
    Direct(DirectResponse),
}

/// Weighted targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// The targets; weights count in relation to their sum.
    pub targets: Vec<Target>,
    /// Status of the answer when there are none.
    pub none: u16,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is declared.
    pub origin: Origin,
    /// Weight.
    pub weight: u32,
    /// What it leads to.
    pub backend: Backend,
    /// Header edits for this target alone, after those of the route.
    pub headers: HeaderEdits,
    /// Rewrite for this target alone, instead of that of the route.
    pub rewrite: Option<Rewrite>,
}

/// What a target leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// A service.
    Service(Destination),
    /// Something that does not exist or may not be used: its share is answered with this status.
    Invalid {
        /// HTTP status.
        status: u16,
        /// Why, for people.
        reason: Name,
    },
}

/// A service, one of its subsets, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// Full host name. Which service that is depends on the client ([`super::Mesh::service`]).
    pub host: Name,
    /// Name of a subset of its destination policy.
    pub subset: Option<Name>,
    /// Port of the service; its only one, or the one the request came to, when not given.
    pub port: Option<u16>,
}

/// An answer that sends the caller elsewhere. What is not given stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redirect {
    /// Scheme.
    pub scheme: Option<Name>,
    /// Host.
    pub host: Option<Name>,
    /// Port.
    pub port: Option<RedirectPort>,
    /// Path.
    pub path: Option<PathEdit>,
    /// Status: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Drop the query.
    pub strip_query: bool,
}

/// The port of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RedirectPort {
    /// This one.
    Number(u16),
    /// The usual one of the scheme.
    OfScheme,
    /// The one that the request came to.
    OfRequest,
}

/// A new path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathEdit {
    /// The whole path; a query in it stays.
    Full(Name),
    /// The matched prefix, letter by letter; the whole path when the match was no prefix.
    Prefix(Name),
    /// The matched prefix of whole segments; no doubled or missing slash arises.
    SegmentPrefix(Name),
    /// What an RE2 expression finds, `\1` for groups.
    Regex {
        /// The expression.
        pattern: Name,
        /// What is put there.
        substitution: Name,
    },
}

/// A fixed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectResponse {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// Changes of path and host before forwarding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rewrite {
    /// Path.
    pub path: Option<PathEdit>,
    /// Host.
    pub host: Option<Name>,
    /// The host becomes the name of the chosen endpoint.
    pub host_of_endpoint: bool,
}

/// Edits of the headers of requests and responses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HeaderEdits {
    /// Of requests.
    pub request: HeaderEdit,
    /// Of responses.
    pub response: HeaderEdit,
}

/// Edits of headers, in this order: remove, set, add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HeaderEdit {
    /// Names taken away.
    pub remove: Vec<Name>,
    /// Name and value that replace what is there. Values may have the data plane's `%COMMANDS%` where the dialect says so.
    pub set: Vec<(Name, Name)>,
    /// Name and value that come beside what is there.
    pub add: Vec<(Name, Name)>,
}

impl HeaderEdit {
    /// True when nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

impl HeaderEdits {
    /// True when nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }
}

/// Further tries after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Where it is declared; a default has none.
    pub origin: Origin,
    /// Further tries; 0 turns retries off.
    pub attempts: u32,
    /// Time for each try.
    pub per_try_timeout: Option<Duration>,
    /// Conditions by the data plane's words (`connect-failure`, `5xx`, `retriable-status-codes`, ...).
    pub conditions: Vec<Name>,
    /// Status codes that are tried again.
    pub statuses: Vec<u16>,
    /// Smallest wait.
    pub backoff: Option<Duration>,
    /// Largest wait.
    pub max_backoff: Option<Duration>,
    /// Not the hosts that were tried already.
    pub avoid_tried: bool,
    /// Also endpoints of other localities.
    pub other_localities: bool,
}

/// Faults on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is declared.
    pub origin: Origin,
    /// Wait for a share of requests.
    pub delay: Option<(Duration, Share)>,
    /// Answer a share of requests.
    pub abort: Option<(Abort, Share)>,
}

/// The answer of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abort {
    /// HTTP status.
    Http(u16),
    /// gRPC status.
    Grpc(u32),
}

/// Copies of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where it is declared.
    pub origin: Origin,
    /// Where they go.
    pub destination: Destination,
    /// The share that is copied.
    pub share: Share,
}

/// Cross-origin requests of browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Where it is declared.
    pub origin: Origin,
    /// Origins that are allowed.
    pub origins: Vec<TextMatch>,
    /// Methods, `*` for all.
    pub methods: Vec<Name>,
    /// Request headers, `*` for all.
    pub headers: Vec<Name>,
    /// Response headers that scripts may read.
    pub expose: Vec<Name>,
    /// How long a preflight answer may be kept.
    pub max_age: Option<Duration>,
    /// Whether requests may carry credentials.
    pub credentials: Option<bool>,
    /// Preflights of other origins go to the service.
    pub forward_unmatched: bool,
}

//! What proxies tell: access logs, traces, metrics.

use super::{Name, Origin, Scope, Share};

/// Settings for some workloads. Narrower ones come later in the list and win field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose proxies.
    pub scope: Scope,
    /// Access logs.
    pub access_logs: Vec<AccessLogging>,
    /// Traces.
    pub tracing: Vec<Tracing>,
    /// Metrics.
    pub metrics: Vec<Metrics>,
}

/// The side of traffic that a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Side {
    /// Both.
    #[default]
    Both,
    /// The caller's.
    Client,
    /// The server's.
    Server,
}

/// Access logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogging {
    /// Where it is declared.
    pub origin: Origin,
    /// The side.
    pub side: Side,
    /// Names of providers; those of the wider scope when empty.
    pub providers: Vec<Name>,
    /// No logs.
    pub disabled: Option<bool>,
    /// A CEL expression that chooses requests.
    pub filter: Option<Name>,
}

/// Traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracing {
    /// Where it is declared.
    pub origin: Origin,
    /// The side.
    pub side: Side,
    /// Names of providers.
    pub providers: Vec<Name>,
    /// Share of requests that begin a trace.
    pub sampling: Option<Share>,
    /// No spans are sent.
    pub disabled: Option<bool>,
    /// Tags by name.
    pub tags: Vec<(Name, Tag)>,
}

/// The value of a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// A text.
    Literal(Name),
    /// An environment variable of the proxy, with a default.
    Environment(Name, Name),
    /// A request header, with a default.
    Header(Name, Name),
    /// The data plane's `%COMMANDS%`.
    Formatter(Name),
}

/// Metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Where they are declared.
    pub origin: Origin,
    /// Names of providers.
    pub providers: Vec<Name>,
    /// Changes of single metrics.
    pub overrides: Vec<MetricOverride>,
}

/// A change of one metric or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricOverride {
    /// Where it is declared.
    pub origin: Origin,
    /// The metric's name as it is exported (`requests_total`, ...); all when not set.
    pub metric: Option<Name>,
    /// The side.
    pub side: Side,
    /// Not told.
    pub disabled: Option<bool>,
    /// Labels by name: an expression that gives the value, or none to drop the label.
    pub labels: Vec<(Name, Option<Name>)>,
}

/// A provider: where logs, traces or decisions come from or go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Where it is declared.
    pub origin: Origin,
    /// Name.
    pub name: Name,
    /// What it is.
    pub kind: ProviderKind,
}

/// What a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// A file (or `/dev/stdout`) with lines in a text format, or as JSON from label to command.
    LogFile {
        /// Path.
        path: Name,
        /// The format; the mesh's when not set.
        format: Option<LogFormat>,
    },
    /// A gRPC access log service.
    LogService(Remote),
    /// Logs over OTLP.
    OtlpLogs(Remote),
    /// Traces over OTLP.
    OtlpTraces(Remote),
    /// Traces in Zipkin's form.
    Zipkin(Remote),
    /// Metrics to be scraped.
    Scraped,
    /// External authorization.
    Authorizer(Box<Authorizer>),
}

/// A format of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// A text with commands.
    Text(Name),
    /// JSON from label to text with commands.
    Json(Vec<(Name, Name)>),
}

/// A service that is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Remote {
    /// Full host name.
    pub host: Name,
    /// Port.
    pub port: u16,
    /// Time for a call, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// External authorization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorizer {
    /// The service.
    pub remote: Remote,
    /// gRPC; plain HTTP otherwise.
    pub grpc: bool,
    /// Requests pass when it cannot be asked.
    pub fail_open: bool,
    /// Status when it cannot be asked.
    pub status_on_error: Option<u16>,
    /// Choose the route anew after it changed headers.
    pub clear_route_cache: bool,
    /// What stands before the path of the question.
    pub path_prefix: Name,
    /// Request headers in the question.
    pub request_headers: Vec<Name>,
    /// Further headers in the question.
    pub extra_headers: Vec<(Name, Name)>,
    /// Headers of its yes that go to the server.
    pub allow_upstream: Vec<Name>,
    /// Headers of its yes that go to the caller.
    pub allow_downstream: Vec<Name>,
    /// Headers of its no that go to the caller.
    pub deny_downstream: Vec<Name>,
}

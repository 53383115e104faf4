//! Operators by name: what each takes, and what it yields.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::coalesce::Coalesce;
use super::environment;
use super::facts::{self, Fact};
use super::field::{Fields, Side};
use super::metadata::{Owner, Place};
use super::path::{PathOperator, query_parameter};
use super::time::TimeFormat;
use super::{FormatContext, Piece};
use crate::cel::{Attributes, Program};

/// An operator with its parameters.
#[derive(Clone)]
pub(super) enum Command {
    /// An operator without parameters.
    Fact(Fact),
    /// A header field.
    Field(Fields),
    /// Something of the metadata.
    Metadata(Place),
    /// A moment in a time format.
    Time(Moment, TimeFormat),
    /// Time between two moments, in units of so many nanoseconds.
    Between(facts::TimePoint, facts::TimePoint, u128),
    /// The path.
    Path(PathOperator),
    /// One query parameter.
    Query(String),
    /// Filter state, as it is (true) or as JSON.
    State(String, bool),
    /// `%RESPONSE_CODE_DETAILS%` with its spaces kept.
    SpacedDetails,
    /// `%REQUESTED_SERVER_NAME%` from server name and authority in that order.
    ServerName(&'static [ServerName]),
    /// A text that is known when the format is read.
    Constant(Arc<str>),
    /// The first of several that has a value.
    Coalesce(Box<Coalesce>),
    /// The value of an expression.
    Expression(Box<Program>),
}

/// Which moment a time operator prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The exchange began.
    Start,
    /// Now.
    Now,
    /// Validity of a peer's certificate begins.
    PeerFrom {
        /// On the upstream connection.
        upstream: bool,
    },
    /// Validity of a peer's certificate ends.
    PeerUntil {
        /// On the upstream connection.
        upstream: bool,
    },
}

/// Where a requested server name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerName {
    /// TLS hello.
    Sni,
    /// Host of the request, without port.
    Host,
}

/// Whether an operator takes parameters, and a length.
#[derive(Clone, Copy)]
enum Parameters {
    No,
    May,
    Must,
}

struct Syntax {
    name: &'static str,
    parameters: Parameters,
    length: bool,
    build: fn(&str, Option<usize>) -> Result<Command, String>,
}

const fn syntax(
    name: &'static str,
    parameters: Parameters,
    length: bool,
    build: fn(&str, Option<usize>) -> Result<Command, String>,
) -> Syntax {
    Syntax { name, parameters, length, build }
}

const TABLE: &[Syntax] = &[
    syntax("REQ", Parameters::Must, true, |text, _| Fields::parse(Side::Request, text).map(Command::Field)),
    syntax("STREAM_INFO_REQ", Parameters::Must, true, |text, _| Fields::parse(Side::Request, text).map(Command::Field)),
    syntax("RESP", Parameters::Must, true, |text, _| Fields::parse(Side::Response, text).map(Command::Field)),
    syntax("TRAILER", Parameters::Must, true, |text, _| Fields::parse(Side::Trailers, text).map(Command::Field)),
    syntax("DYNAMIC_METADATA", Parameters::Must, true, |text, _| Ok(metadata(Owner::Dynamic, text))),
    syntax("CLUSTER_METADATA", Parameters::Must, true, |text, _| Ok(metadata(Owner::Cluster, text))),
    syntax("UPSTREAM_METADATA", Parameters::Must, true, |text, _| Ok(metadata(Owner::Host, text))),
    syntax("METADATA", Parameters::Must, true, |text, _| Place::parse_owned(text).map(Command::Metadata)),
    syntax("FILTER_STATE", Parameters::Must, true, |text, _| state(text)),
    syntax("START_TIME", Parameters::May, false, |text, _| time(Moment::Start, text)),
    syntax("EMIT_TIME", Parameters::May, false, |text, _| time(Moment::Now, text)),
    syntax("DOWNSTREAM_PEER_CERT_V_START", Parameters::May, false, |text, _| {
        time(Moment::PeerFrom { upstream: false }, text)
    }),
    syntax("DOWNSTREAM_PEER_CERT_V_END", Parameters::May, false, |text, _| {
        time(Moment::PeerUntil { upstream: false }, text)
    }),
    syntax("UPSTREAM_PEER_CERT_V_START", Parameters::May, false, |text, _| {
        time(Moment::PeerFrom { upstream: true }, text)
    }),
    syntax("UPSTREAM_PEER_CERT_V_END", Parameters::May, false, |text, _| {
        time(Moment::PeerUntil { upstream: true }, text)
    }),
    syntax("COMMON_DURATION", Parameters::Must, false, |text, _| between(text)),
    syntax("RESPONSE_CODE_DETAILS", Parameters::May, false, |text, _| {
        let spaced = text == "ALLOW_WHITESPACES";
        Ok(if spaced { Command::SpacedDetails } else { Command::Fact(facts::details) })
    }),
    syntax("GRPC_STATUS", Parameters::May, false, |text, _| grpc_status(text)),
    syntax("PATH", Parameters::May, true, |text, _| PathOperator::parse(text).map(Command::Path)),
    syntax("QUERY_PARAM", Parameters::Must, true, |text, _| Ok(Command::Query(text.to_string()))),
    syntax("QUERY_PARAMS", Parameters::May, true, |text, _| query_parameters(text)),
    syntax("REQUESTED_SERVER_NAME", Parameters::May, false, |text, _| server_name(text)),
    syntax("ENVIRONMENT", Parameters::Must, true, |text, limit| {
        let value = environment::variable(text).map_or(Piece::Text("-".into()), |value| Piece::Text(value.into()));
        Ok(constant(&value.cut(limit)))
    }),
    syntax("HOSTNAME", Parameters::No, false, |_, _| {
        let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Ok(constant(&Piece::Text(name.unwrap_or_else(|| "-".into()).into())))
    }),
    syntax("CEL", Parameters::Must, true, |text, _| {
        Program::parse(text).map(|program| Command::Expression(Box::new(program)))
    }),
    syntax("COALESCE", Parameters::Must, true, |text, _| {
        Coalesce::parse(text).map(|coalesce| Command::Coalesce(Box::new(coalesce)))
    }),
];

/// Operators of Envoy that print what the proxy does not record.
const ABSENT: &[&str] = &[
    "BACKEND_CONNECTION_ID",
    "DOWNSTREAM_CX_RTT",
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "DOWNSTREAM_DETECTED_CLOSE_TYPE",
    "DOWNSTREAM_HANDSHAKE_DURATION",
    "DOWNSTREAM_HEADER_BYTES_RECEIVED",
    "DOWNSTREAM_HEADER_BYTES_SENT",
    "DOWNSTREAM_LOCAL_CLOSE_REASON",
    "DOWNSTREAM_LOCAL_EMAIL_SAN",
    "DOWNSTREAM_LOCAL_OTHERNAME_SAN",
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1",
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256",
    "DOWNSTREAM_PEER_CHAIN_SERIALS",
    "DOWNSTREAM_PEER_ISSUER_SERIAL",
    "DOWNSTREAM_PEER_OTHERNAME_SAN",
    "DOWNSTREAM_WIRE_BYTES_RECEIVED",
    "DOWNSTREAM_WIRE_BYTES_SENT",
    "DYNAMIC_MODULE",
    "EMIT_TIME_LOCAL",
    "ROUNDTRIP_DURATION",
    "ROUTE_RESOLUTION_COUNT",
    "ROUTE_RESOLUTION_TIME_US",
    "START_TIME_LOCAL",
    "UPSTREAM_CONNECTION_ID",
    "UPSTREAM_CONNECTION_IDS_ATTEMPTED",
    "UPSTREAM_CONNECTION_POOL_READY_DURATION",
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "UPSTREAM_DETECTED_CLOSE_TYPE",
    "UPSTREAM_FILTER_STATE",
    "UPSTREAM_HEADER_BYTES_RECEIVED",
    "UPSTREAM_HEADER_BYTES_SENT",
    "UPSTREAM_HOSTS_ATTEMPTED",
    "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT",
    "UPSTREAM_HOST_NAMES_ATTEMPTED",
    "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT",
    "UPSTREAM_LOCAL_CLOSE_REASON",
    "UPSTREAM_WIRE_BYTES_RECEIVED",
    "UPSTREAM_WIRE_BYTES_SENT",
];

impl Command {
    /// The operator of that name. Errors name it.
    pub(super) fn new(name: &str, parameters: &str, limit: Option<usize>) -> Result<Self, String> {
        if let Some(fact) = facts::find(name) {
            if !parameters.is_empty() || limit.is_some() {
                return Err(format!("{name} takes neither parameters nor a length"));
            }
            return Ok(Self::Fact(fact));
        }
        let Some(syntax) = TABLE.iter().find(|syntax| syntax.name == name) else {
            let known = ABSENT.contains(&name);
            let why = if known { "the proxy does not have the operator" } else { "there is no operator" };
            return Err(format!("{why} {name}"));
        };
        match syntax.parameters {
            Parameters::Must if parameters.is_empty() => return Err(format!("{name} wants parameters")),
            Parameters::No if !parameters.is_empty() => return Err(format!("{name} takes no parameters")),
            _ => {}
        }
        if limit.is_some() && !syntax.length {
            return Err(format!("{name} takes no length"));
        }
        (syntax.build)(parameters, limit).map_err(|error| format!("{name}: {error}"))
    }

    /// What it yields, before it is cut to its length.
    pub(super) fn value<'c>(&'c self, context: &FormatContext<'c>) -> Piece<'c> {
        match self {
            Self::Fact(fact) => fact(context),
            Self::Field(fields) => fields.value(context),
            Self::Metadata(place) => place.value(context),
            Self::Time(moment, format) => Piece::owned(moment.time(context).map(|time| format.text(time))),
            Self::Between(from, to, unit) => facts::between(from(context.info), to(context.info), *unit),
            Self::Path(path) => path.value(context),
            Self::Query(name) => Piece::owned(context.request.and_then(|head| query_parameter(head, name))),
            Self::State(key, plain) => state_value(key, *plain, context),
            Self::SpacedDetails => Piece::text(context.info.details.as_deref()),
            Self::ServerName(sources) => server_name_value(sources, context),
            Self::Constant(text) => Piece::Text(text.as_ref().into()),
            Self::Coalesce(coalesce) => coalesce.value(context),
            Self::Expression(program) => Piece::owned(program.text(&Attributes::of_context(context))),
        }
    }
}

/// Filter state: text as it is or in quotes; what is more than a text has no plain form.
fn state_value<'c>(key: &str, plain: bool, context: &FormatContext<'c>) -> Piece<'c> {
    let text = context.info.state.get(key).or_else(|| context.connection.state.get(key));
    match (text, context.info.objects.get(key)) {
        (Some(text), _) if plain => Piece::Text(text.as_str().into()),
        (Some(text), _) => Piece::Text(serde_json::Value::String(text.clone()).to_string().into()),
        (None, Some(object)) if !plain => Piece::Text(object.to_string().into()),
        (None, _) => Piece::None,
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fact(fact) => f.write_str(facts::name(*fact)),
            Self::Field(fields) => fields.fmt(f),
            Self::Metadata(place) => place.fmt(f),
            Self::Time(moment, format) => f.debug_tuple("Time").field(moment).field(format).finish(),
            Self::Between(_, _, unit) => write!(f, "Between(unit {unit})"),
            Self::Path(path) => path.fmt(f),
            Self::Query(name) => write!(f, "Query({name:?})"),
            Self::State(key, plain) => write!(f, "State({key:?}, {plain})"),
            Self::SpacedDetails => f.write_str("SpacedDetails"),
            Self::ServerName(sources) => write!(f, "ServerName({sources:?})"),
            Self::Constant(_) => f.write_str("Constant"),
            Self::Coalesce(coalesce) => coalesce.fmt(f),
            Self::Expression(program) => program.fmt(f),
        }
    }
}

impl Moment {
    fn time(self, context: &FormatContext<'_>) -> Option<SystemTime> {
        let tls = |upstream: bool| {
            let upstream_tls = context.info.upstream.tls.as_deref();
            if upstream { upstream_tls } else { context.connection.tls.as_deref() }
        };
        match self {
            Self::Start => Some(context.info.started_at),
            Self::Now => Some(SystemTime::now()),
            Self::PeerFrom { upstream } => since_1970(tls(upstream)?.peer_valid?.0),
            Self::PeerUntil { upstream } => since_1970(tls(upstream)?.peer_valid?.1),
        }
    }
}

fn since_1970(seconds: i64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

fn metadata(owner: Owner, text: &str) -> Command {
    Command::Metadata(Place::parse(owner, text))
}

fn constant(piece: &Piece<'_>) -> Command {
    let mut text = String::new();
    piece.write(&mut text, "-");
    Command::Constant(text.into())
}

fn time(moment: Moment, text: &str) -> Result<Command, String> {
    TimeFormat::parse(text).map(|format| Command::Time(moment, format))
}

fn state(text: &str) -> Result<Command, String> {
    let mut parts = text.splitn(3, ':');
    let (key, kind, field) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    if key.is_empty() {
        return Err("the key is empty".into());
    }
    match (kind, field) {
        ("PLAIN", None) => Ok(Command::State(key.to_string(), true)),
        ("" | "TYPED", None) => Ok(Command::State(key.to_string(), false)),
        // Only texts are kept here, and those have no fields in Envoy either.
        ("FIELD", Some(field)) if !field.is_empty() => Ok(Command::Fact(facts::nothing)),
        _ => Err("wants PLAIN, TYPED, or FIELD with the name of a field".into()),
    }
}

fn between(text: &str) -> Result<Command, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (from, to, unit) = match parts[..] {
        [from, to] => (from, to, "ms"),
        [from, to, unit] => (from, to, unit),
        _ => return Err("wants START:END or START:END:PRECISION".into()),
    };
    let unit = match unit {
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        other => return Err(format!("the precision {other:?} is none of ms, us, ns")),
    };
    Ok(Command::Between(facts::time_point(from)?, facts::time_point(to)?, unit))
}

fn grpc_status(text: &str) -> Result<Command, String> {
    match text {
        "" | "CAMEL_STRING" => Ok(Command::Fact(facts::grpc_camel)),
        "SNAKE_STRING" => Ok(Command::Fact(facts::grpc_snake)),
        "NUMBER" => Ok(Command::Fact(facts::grpc_number)),
        other => Err(format!("{other:?} is none of CAMEL_STRING, SNAKE_STRING, NUMBER")),
    }
}

fn query_parameters(text: &str) -> Result<Command, String> {
    match text {
        "" | "ORIG" => Ok(Command::Fact(facts::query)),
        "DECODED" => Ok(Command::Fact(facts::query_decoded)),
        other => Err(format!("{other:?} is none of ORIG, DECODED")),
    }
}

fn server_name(text: &str) -> Result<Command, String> {
    let (sources, header) = text.split_once(':').unwrap_or((text, ""));
    let sources: &'static [ServerName] = match sources {
        "" | "SNI_ONLY" => &[ServerName::Sni],
        "SNI_FIRST" => &[ServerName::Sni, ServerName::Host],
        "HOST_FIRST" => &[ServerName::Host, ServerName::Sni],
        other => return Err(format!("{other:?} is none of SNI_ONLY, SNI_FIRST, HOST_FIRST")),
    };
    match header {
        "" | "ORIG" | "HOST" | "ORIG_OR_HOST" => Ok(Command::ServerName(sources)),
        other => Err(format!("{other:?} is none of ORIG, HOST, ORIG_OR_HOST")),
    }
}

fn server_name_value<'c>(sources: &[ServerName], context: &FormatContext<'c>) -> Piece<'c> {
    let of = |source: &ServerName| match source {
        ServerName::Sni => context.connection.sni.as_deref(),
        ServerName::Host => context.request.map(|head| head.authority.as_str()).map(without_port),
    };
    let name: Option<&'c str> = sources.iter().filter_map(of).find(|name| !name.is_empty());
    Piece::text(name)
}

/// A host name without its port; an IPv6 address keeps its brackets.
pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

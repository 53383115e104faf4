//! `HttpConnectionManager.Tracing`: begins and ends the spans of requests.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::SpanContext;
use super::propagate::hex;
use super::provider::Provider;
use super::span::{self, Started};
use crate::bootstrap::Node;
use crate::http::{Headers, RequestHead};
use crate::proto::{Fraction, Reader};
use crate::services::Build;
use crate::stream::{Direction, Exchange};
use crate::telemetry::format::{Format, FormatContext};
use crate::telemetry::tag::{self, CustomTag};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_TRACE: HeaderName = HeaderName::from_static("x-client-trace-id");
const DECORATOR: HeaderName = HeaderName::from_static("x-envoy-decorator-operation");
const FORCE_TRACE: HeaderName = HeaderName::from_static("x-envoy-force-trace");

/// Tracing of a connection manager.
#[derive(Debug)]
pub struct Tracing {
    provider: Option<Provider>,
    node: Node,
    client: Fraction,
    random: Fraction,
    overall: Fraction,
    max_path: usize,
    tags: Vec<CustomTag>,
    operation: Option<Format>,
    upstream_operation: Option<Format>,
    propagates: bool,
    /// Each attempt upstream has a span of its own.
    pub spawns_upstream: bool,
}

/// What a route says instead.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides<'r> {
    /// Name of the span.
    pub operation: Option<&'r str>,
    /// Whether the other side is told the name.
    pub propagate: bool,
    /// Share of requests that clients may force to be traced.
    pub client: Option<Fraction>,
    /// Share of requests that are traced at random.
    pub random: Option<Fraction>,
    /// Share of traced requests that are kept.
    pub overall: Option<Fraction>,
}

/// The span of an exchange, in its scratch.
#[derive(Debug)]
struct Active {
    tracing: Arc<Tracing>,
    started: Started,
    operation: Option<String>,
    propagate: bool,
}

/// The span of one attempt upstream, until it ends.
#[derive(Debug)]
pub struct UpstreamSpan {
    tracing: Arc<Tracing>,
    started: Started,
}

/// The share of a `Percent`, out of 10,000; `numerator` counts when it is absent.
fn percent(reader: &Reader<'_>, field: &str) -> Fraction {
    let share = reader.message(field).and_then(|percent| percent.float("value"));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let numerator = share.map_or(10_000, |share| (share * 100.0).clamp(0.0, 10_000.0) as u32);
    Fraction { numerator, denominator: 10_000 }
}

impl Tracing {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        if reader.flag("verbose") {
            reader.defect("verbose", "the proxy does not add events to spans");
        }
        let provider = match reader.message("provider") {
            Some(provider) => Some(Provider::read(&provider, build)?),
            None => None,
        };
        Some(Self {
            provider,
            node: build.services.node.clone(),
            client: percent(reader, "client_sampling"),
            random: percent(reader, "random_sampling"),
            overall: percent(reader, "overall_sampling"),
            max_path: reader.u32("max_path_tag_length").unwrap_or(256) as usize,
            tags: tag::read_all(&reader.list("custom_tags"))?,
            operation: operation(reader, "operation")?,
            upstream_operation: operation(reader, "upstream_operation")?,
            propagates: !reader.flag("no_context_propagation"),
            spawns_upstream: reader.flag("spawn_upstream_span"),
        })
    }

    /// Tracing that a test reads.
    #[cfg(test)]
    pub(super) fn for_tests(provider: Provider, random: Fraction, spawns_upstream: bool) -> Self {
        Self {
            provider: Some(provider),
            node: Node::default(),
            client: Fraction::ALL,
            random,
            overall: Fraction::ALL,
            max_path: 256,
            tags: Vec::new(),
            operation: None,
            upstream_operation: None,
            propagates: true,
            spawns_upstream,
        }
    }

    /// Begins the span of a request: after its id is set and its route is known, before filters run. Decides whether it
    /// is sampled (and writes that into the request id when `pack`), and writes the context into the request.
    pub fn begin(self: &Arc<Self>, exchange: &mut Exchange, route: Overrides<'_>, pack: bool) {
        let traced = self.decide(&mut exchange.request.head, route, pack);
        let Some(provider) = &self.provider else { return };
        let came = SpanContext::extract(&exchange.request.head.headers);
        let parent = came.as_ref().map(|context| context.span);
        let mut context = came.as_ref().map_or_else(|| SpanContext::root(traced), SpanContext::child);
        let said = came.and_then(|context| context.sampled);
        context.sampled = Some(match &provider.sampler {
            Some(sampler) => sampler.keeps(&context.trace, said),
            None => said.unwrap_or(traced),
        });
        if self.propagates {
            context.inject(&mut exchange.request.head.headers);
        }
        exchange.info.trace = Some((hex(&context.trace), context.sampled == Some(true)));
        exchange.info.span = Some(hex(&context.span));
        let name = default_name(exchange);
        let began = exchange.info.started_at;
        let (operation, propagate) = decorate(exchange, route);
        let started = Started { context, parent, name, began };
        exchange.scratch.put(Active { tracing: self.clone(), started, operation, propagate });
    }

    /// Ends the span of an exchange: when its record is complete. `tags`: those of the route.
    pub fn end(&self, exchange: &Exchange, tags: &[CustomTag]) {
        let (Some(provider), Some(active)) = (&self.provider, exchange.scratch.get::<Active>()) else { return };
        if active.started.context.sampled != Some(true) {
            return;
        }
        let context = FormatContext::of(exchange);
        let mut attributes = span::downstream(&context, &self.node, self.max_path);
        span::tag(&mut attributes, &self.tags, &context);
        span::tag(&mut attributes, tags, &context);
        let mut started = active.started.clone();
        let own = || self.operation.as_ref().map(|format| format.text(&context));
        if let Some(name) = active.operation.clone().or_else(own).filter(|name| !name.is_empty()) {
            started.name = name;
        }
        provider.record(started.finish(SpanKind::Server, attributes, span::has_failed(&context, exchange.info.code)));
    }

    /// Whether a request is sampled, by Envoy's rules: an id that says so, a client that wants it, one that forces it, or
    /// chance; and then whether it is kept at all. The id remembers the decision.
    fn decide(&self, head: &mut RequestHead, route: Overrides<'_>, pack: bool) -> bool {
        let Some(id) = head.headers.text(&REQUEST_ID).map(str::to_string) else { return false };
        let Some(number) = id.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()) else { return false };
        #[allow(clippy::cast_precision_loss)] // below 10,000
        let stable = (number % 10_000) as f64;
        // Shares of another denominator look at the same number.
        let hits = |share: Fraction| share.share() * 10_000.0 > stable;
        let chance = |share: Fraction| share.hits(fastrand::u64(..));
        let said = Reason::of(&id);
        let mut reason = said;
        if reason == Reason::No {
            reason = match () {
                () if head.headers.has(&CLIENT_TRACE) && chance(route.client.unwrap_or(self.client)) => Reason::Client,
                () if head.headers.has(&FORCE_TRACE) => Reason::Forced,
                () if hits(route.random.unwrap_or(self.random)) => Reason::Sampled,
                () => Reason::No,
            };
        }
        if reason != Reason::No && !hits(route.overall.unwrap_or(self.overall)) {
            reason = Reason::No;
        }
        let written = if reason != said && pack { HeaderValue::from_str(&reason.write(&id)).ok() } else { None };
        if let Some(id) = written {
            head.headers.set(REQUEST_ID, id);
        }
        reason != Reason::No
    }
}

/// The name that the route gives the span, and whether the response tells it. Towards an upstream it is told in a field
/// of the request; a server takes the client's name for its own.
fn decorate(exchange: &mut Exchange, route: Overrides<'_>) -> (Option<String>, bool) {
    let headers = &mut exchange.request.head.headers;
    if exchange.connection.direction == Direction::Outbound {
        if let Some(name) =
            route.operation.filter(|_| route.propagate).and_then(|name| HeaderValue::from_str(name).ok())
        {
            headers.set(DECORATOR, name);
        }
        return (route.operation.map(str::to_string), false);
    }
    let told = headers.text(&DECORATOR).map(str::to_string);
    headers.remove(&DECORATOR);
    match told {
        Some(told) => (Some(told).filter(|name| !name.is_empty()), false),
        None => (route.operation.map(str::to_string), route.propagate),
    }
}

/// What the name of a span means to a response: a server tells its own, and a client takes the server's.
pub fn respond(exchange: &mut Exchange, headers: &mut Headers) {
    let outbound = exchange.connection.direction == Direction::Outbound;
    let Some(active) = exchange.scratch.get_mut::<Active>() else { return };
    if outbound {
        if let Some(told) = headers.text(&DECORATOR).filter(|name| !name.is_empty()) {
            active.operation = Some(told.to_string());
        }
        headers.remove(&DECORATOR);
        return;
    }
    let name = active.operation.as_deref().filter(|_| active.propagate);
    if let Some(name) = name.and_then(|name| HeaderValue::from_str(name).ok()) {
        headers.set(DECORATOR, name);
    }
}

/// Begins the span of one attempt upstream and writes its context into the request that is sent. None: attempts have no
/// spans, or this exchange is not sampled.
pub fn begin_upstream(exchange: &Exchange, cluster: &str, sent: &mut RequestHead) -> Option<UpstreamSpan> {
    let active = exchange.scratch.get::<Active>().filter(|active| active.tracing.spawns_upstream)?;
    let tracing = &active.tracing;
    let context = active.started.context.child();
    if tracing.propagates {
        context.inject(&mut sent.headers);
    }
    let name = match &tracing.upstream_operation {
        Some(format) => format.text(&FormatContext::of(exchange)),
        None => format!("router {cluster} egress"),
    };
    let parent = Some(active.started.context.span);
    let sampled = context.sampled == Some(true);
    let started = Started { context, parent, name, began: SystemTime::now() };
    sampled.then(|| UpstreamSpan { tracing: tracing.clone(), started })
}

impl UpstreamSpan {
    /// Ends it: cluster and host stand in the record; `code` is the status of the attempt, none when it had none.
    pub fn end(self, exchange: &Exchange, code: Option<u16>) {
        let Some(provider) = &self.tracing.provider else { return };
        let context = FormatContext::of(exchange);
        let mut attributes = span::upstream(&context, code);
        span::tag(&mut attributes, &self.tracing.tags, &context);
        provider.record(self.started.finish(SpanKind::Client, attributes, span::has_failed(&context, code)));
    }
}

/// Why a request is traced: the version digit of its id says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    No,
    Sampled,
    Forced,
    Client,
}

/// Where the version digit of a UUID stands.
const DIGIT: usize = 14;

impl Reason {
    fn of(id: &str) -> Self {
        match id.as_bytes().get(DIGIT).filter(|_| id.len() == 36) {
            Some(b'9') => Self::Sampled,
            Some(b'a') => Self::Forced,
            Some(b'b') => Self::Client,
            _ => Self::No,
        }
    }

    /// The same id with this reason. What is no UUID stays.
    fn write(self, id: &str) -> String {
        let digit = match self {
            Self::No => "4",
            Self::Sampled => "9",
            Self::Forced => "a",
            Self::Client => "b",
        };
        match (id.len() == 36, id.get(..DIGIT), id.get(DIGIT + 1..)) {
            (true, Some(before), Some(after)) => format!("{before}{digit}{after}"),
            _ => id.to_string(),
        }
    }
}

/// A format in a field that may be empty. None: a defect was noted.
#[allow(clippy::option_option)] // the outer one says whether reading went well
fn operation(reader: &Reader<'_>, field: &str) -> Option<Option<Format>> {
    let Some(text) = reader.opt_text(field) else { return Some(None) };
    match Format::parse(&text) {
        Ok(format) => Some(Some(format.omit_empty())),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

/// `ingress`, or `egress HOST` on listeners of outbound traffic.
fn default_name(exchange: &Exchange) -> String {
    match exchange.connection.direction {
        Direction::Outbound => format!("egress {}", exchange.request.head.authority),
        Direction::Inbound | Direction::Unspecified => "ingress".into(),
    }
}

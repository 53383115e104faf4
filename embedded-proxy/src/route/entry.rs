//! One route: when it takes a request, what it does, and what it adds.

use std::sync::Arc;

use super::table::Shared;
use super::{Action, HeaderEdits, Input, PerFilter, Redirect, RouteMatch, RouteStats, TrafficStats};
use crate::cluster::{Metadata, read_metadata};
use crate::proto::{Fraction, Reader};
use crate::services::Build;
use crate::telemetry::tag::{self, CustomTag};

/// What a route says about traces.
#[derive(Debug, Clone, Default)]
pub struct RouteTracing {
    /// Name of the span (`decorator.operation`).
    pub operation: Option<String>,
    /// Whether the name is told to the upstream in `x-envoy-decorator-operation`.
    pub propagate: bool,
    /// Share of requests that clients may force to be traced.
    pub client: Option<Fraction>,
    /// Share of requests that are traced at random.
    pub random: Option<Fraction>,
    /// Share of traced requests that are kept.
    pub overall: Option<Fraction>,
    /// Tags of the route.
    pub tags: Vec<CustomTag>,
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// Name, may be empty.
    pub name: Arc<str>,
    /// When it takes a request.
    pub matcher: RouteMatch,
    /// What it does.
    pub action: Action,
    /// Header edits.
    pub edits: HeaderEdits,
    /// Configuration of single filters.
    pub filters: PerFilter,
    /// Metadata by namespace.
    pub metadata: Arc<Metadata>,
    /// Tracing.
    pub tracing: Option<Box<RouteTracing>>,
    /// Most bytes of a request's body that are kept for retries and copies.
    pub buffer_limit: Option<u64>,
    /// Stats of requests that take this route, when it has a `stat_prefix`.
    pub stats: Option<Arc<TrafficStats>>,
}

impl Route {
    pub(super) fn read(reader: &Reader<'_>, host: &RouteStats, shared: Shared, build: &Build) -> Option<Self> {
        refuse_specifiers(reader);
        let matcher = reader.need("match").and_then(|matcher| RouteMatch::read(&matcher));
        let edits = HeaderEdits::read(reader);
        let filters = PerFilter::read(reader, build).and_then(|filters| with_cors(filters, reader, build));
        let tracing = RouteTracing::read(reader);
        let metadata = Arc::new(read_metadata(reader.message("metadata")));
        let stats = reader.opt_text("stat_prefix").map(|prefix| host.route(&prefix));
        let buffer_limit = read_buffer_limit(reader);
        let name = reader.text("name").into();
        let matcher = matcher?;
        let action = Action::read(reader, &matcher.path, shared.body_limit, build);
        Some(Self {
            name,
            matcher,
            action: action?,
            edits: edits?,
            filters: filters?,
            metadata,
            tracing,
            buffer_limit,
            stats,
        })
    }

    /// Whether the route takes the request; `path` is its path without query.
    pub fn takes(&self, input: &Input<'_>, path: &str) -> bool {
        self.matcher.matches(input, path)
    }

    /// The redirect to https that `require_tls` makes of any request.
    pub(super) fn to_https() -> Self {
        let path = super::PathMatch { rule: super::PathRule::Prefix(String::new()), case_sensitive: true };
        Self {
            name: Arc::from(""),
            matcher: RouteMatch::of_path(path),
            action: Action::Redirect(Box::new(Redirect::to_https())),
            edits: HeaderEdits::default(),
            filters: PerFilter::default(),
            metadata: Arc::default(),
            tracing: None,
            buffer_limit: None,
            stats: None,
        }
    }
}

/// The CORS policy of a forwarding route in its older place.
fn with_cors(filters: PerFilter, reader: &Reader<'_>, build: &Build) -> Option<PerFilter> {
    let Some(route) = reader.message("route") else { return Some(filters) };
    route.ignore_all(); // The action reads the rest.
    filters.with_cors(&route, build)
}

/// Reads the limit in its new place or in its old one.
pub(super) fn read_buffer_limit(reader: &Reader<'_>) -> Option<u64> {
    let old = reader.number("per_request_buffer_limit_bytes");
    reader.number("request_body_buffer_limit").or(old)
}

/// Extensions that choose routes.
pub(super) fn refuse_specifiers(reader: &Reader<'_>) {
    if reader.has("route_specifiers") {
        reader.defect("route_specifiers", "the proxy does not have route specifiers");
    }
}

impl RouteTracing {
    fn read(reader: &Reader<'_>) -> Option<Box<Self>> {
        let decorator = reader.message("decorator");
        let tracing = reader.message("tracing");
        if decorator.is_none() && tracing.is_none() {
            return None;
        }
        let mut read = Self { propagate: true, ..Self::default() };
        if let Some(decorator) = decorator {
            read.operation = decorator.need_text("operation");
            read.propagate = decorator.opt_flag("propagate").unwrap_or(true);
        }
        if let Some(tracing) = tracing {
            read.client = tracing.fraction("client_sampling");
            read.random = tracing.fraction("random_sampling");
            read.overall = tracing.fraction("overall_sampling");
            read.tags = tag::read_all(&tracing.list("custom_tags")).unwrap_or_default();
            if let Some(operation) = tracing.opt_text("operation") {
                read.operation = Some(operation);
            }
        }
        Some(Box::new(read))
    }
}

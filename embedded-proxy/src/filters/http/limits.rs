//! What both rate limit filters share: descriptors from routes, and the fields that tell clients about limits.

use http::HeaderName;

use crate::http::Headers;
use crate::proto::Reader;
use crate::route::{Descriptor, RateLimits};
use crate::services::Services;
use crate::stream::Exchange;

pub(super) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// When the limits of the virtual host count beside those of the route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HostLimits {
    /// Only when the route has none.
    #[default]
    Override,
    /// Always.
    Include,
    /// Never.
    Ignore,
}

impl HostLimits {
    /// Reads `VhRateLimitsOptions`.
    pub(super) fn read(reader: &Reader<'_>, field: &str) -> Self {
        match reader.word(field).as_str() {
            "INCLUDE" | "INCLUDE_POLICY" => Self::Include,
            "IGNORE" | "IGNORE_POLICY" => Self::Ignore,
            _ => Self::Override,
        }
    }
}

/// The descriptors of a request: those that count before it goes on or, with `done`, when the exchange is over. `own`
/// limits of the filter stand in for those of route and virtual host.
pub(super) fn descriptors(
    services: &Services,
    exchange: &Exchange,
    stage: u32,
    own: &RateLimits,
    host_limits: HostLimits,
    done: bool,
) -> Vec<Descriptor> {
    let mut all = Vec::new();
    let mut add = |limits: &RateLimits| {
        let due = limits.stage(stage).filter(|limit| limit.on_stream_done == done);
        all.extend(due.filter_map(|limit| limit.descriptor(exchange, &services.node.cluster)));
    };
    if !own.is_empty() {
        add(own);
        return all;
    }
    let Some(hit) = &exchange.route else { return all };
    let Some(forward) = hit.forward() else { return all };
    add(&forward.rate_limits);
    let include = forward.include_host_limits || host_limits == HostLimits::Include;
    if include || (host_limits == HostLimits::Override && forward.rate_limits.is_empty()) {
        add(&hit.host().rate_limits);
    }
    all
}

/// Adds the three fields about the limit that is nearest.
pub(super) fn tell(headers: &mut Headers, limit: &http::HeaderValue, remaining: u64, reset: u64) {
    headers.add(LIMIT, limit.clone());
    headers.add(REMAINING, remaining.into());
    headers.add(RESET, reset.into());
}

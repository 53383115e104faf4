//! Limits of the rate of requests: for all of them a filter, for some of them routes that carry the limit.

use std::time::Duration;

use envoy_types::pb::envoy::config::route::v3::Route;
use envoy_types::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, TokenBucket};

use super::ports::Port;
use crate::ir::RateLimit;
use crate::xds::View;
use crate::xds::hcm::http_filter;
use crate::xds::http::{headers, route_match};
use crate::xds::proto::{any, duration, number, of_origin, ordered, runtime_fraction};

const FILTER: &str = "envoy.filters.http.local_ratelimit";
/// Envoy refuses a shorter one.
const SHORTEST: Duration = Duration::from_millis(50);

fn limits<'m>(view: &View<'m>, port: Option<&Port>) -> Vec<&'m RateLimit> {
    let number = port.map(|port| port.number);
    let here = view.mesh.rate_limits.iter().filter(|limit| {
        limit.scope.includes(view.workload()) && limit.port.is_none_or(|wanted| number == Some(wanted))
    });
    here.map(|limit| &**limit).collect()
}

/// The filters of limits for all requests, and one for those that routes carry.
pub fn filters(view: &View<'_>, port: Option<&Port>) -> Vec<HttpFilter> {
    let (all, some): (Vec<_>, Vec<_>) = limits(view, port).into_iter().partition(|limit| limit.matches.is_empty());
    let mut filters = Vec::new();
    if !some.is_empty() {
        let idle = LocalRateLimit { stat_prefix: "http_local_rate_limiter".into(), ..LocalRateLimit::default() };
        filters.push(http_filter(FILTER, any(&idle)));
    }
    // Routes find a filter by its name: those for all have one of their own.
    let named = |(at, limit): (usize, &RateLimit)| http_filter(&format!("{FILTER}.{at}"), any(&config(limit)));
    filters.extend(all.into_iter().enumerate().map(named));
    filters
}

/// The routes of limits for some requests, which are like `usual` besides.
pub fn routes(view: &View<'_>, port: Option<&Port>, usual: &Route) -> Vec<Route> {
    let limits = limits(view, port).into_iter();
    let of_limit = |limit: &RateLimit| -> Vec<Route> {
        let here = limit.matches.iter().filter(|condition| condition.client.is_any());
        here.map(|condition| Route {
            name: "limited".into(),
            r#match: Some(route_match(Some(condition))),
            metadata: of_origin(&limit.origin),
            typed_per_filter_config: ordered([(FILTER.to_owned(), any(&config(limit)))]),
            ..usual.clone()
        })
        .collect()
    };
    limits.flat_map(of_limit).collect()
}

fn config(limit: &RateLimit) -> LocalRateLimit {
    LocalRateLimit {
        stat_prefix: "http_local_rate_limiter".into(),
        status: Some(HttpStatus { code: i32::from(limit.status) }),
        token_bucket: Some(TokenBucket {
            max_tokens: limit.burst.max(1),
            tokens_per_fill: Some(number(limit.refill.max(1))),
            fill_interval: Some(duration(limit.interval.max(SHORTEST))),
        }),
        filter_enabled: Some(runtime_fraction(limit.enabled)),
        filter_enforced: Some(runtime_fraction(limit.enforced)),
        response_headers_to_add: headers(&limit.headers),
        ..LocalRateLimit::default()
    }
}

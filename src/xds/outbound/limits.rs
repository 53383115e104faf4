//! Circuit breakers, outlier detection and HTTP options of a cluster.

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::{
    CircuitBreakers, OutlierDetection,
    circuit_breakers::{Thresholds, thresholds},
};
use envoy_types::pb::envoy::config::core::v3::{
    self as core, Http1ProtocolOptions, Http2ProtocolOptions, KeepaliveSettings, TcpKeepalive,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::{
    HttpProtocolOptions,
    http_protocol_options::{
        ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig, explicit_http_config::ProtocolConfig,
    },
};
use envoy_types::pb::envoy::r#type::v3::Percent;

use crate::ir::{Outlier, Pool, Protocol, TrafficPolicy};
use crate::xds::proto::{duration, number};

/// Limits; what is not set is without limit, as Istio's clusters are.
pub fn circuit_breakers(policy: &TrafficPolicy) -> CircuitBreakers {
    let pool = policy.pool.clone().unwrap_or_default();
    let or_none = |limit: Option<u32>| Some(number(limit.filter(|limit| *limit > 0).unwrap_or(u32::MAX)));
    let budget = policy.retry_budget.as_ref().map(|budget| thresholds::RetryBudget {
        budget_percent: Some(Percent { value: budget.share.as_percent() }),
        min_retry_concurrency: Some(number(budget.minimum)),
        ..thresholds::RetryBudget::default()
    });
    let thresholds = Thresholds {
        max_connections: or_none(pool.max_connections),
        max_pending_requests: or_none(pool.max_pending_requests),
        max_requests: or_none(pool.max_requests),
        max_retries: if budget.is_some() { None } else { or_none(pool.max_retries) },
        retry_budget: budget,
        track_remaining: true,
        ..Thresholds::default()
    };
    CircuitBreakers { thresholds: vec![thresholds], ..CircuitBreakers::default() }
}

/// Outlier detection, and the share of healthy endpoints under which it gives up, in percent.
pub fn outlier(outlier: &Outlier) -> (OutlierDetection, Option<f64>) {
    let on = |count: Option<u32>| count.filter(|count| *count > 0);
    let mut detection = OutlierDetection {
        interval: outlier.interval.map(duration),
        base_ejection_time: outlier.base_ejection.map(duration),
        max_ejection_time: outlier.max_ejection.map(duration),
        max_ejection_percent: outlier.max_ejection_percent.map(number),
        // Only what is asked for: Envoy's own default looks at success rates, too.
        enforcing_success_rate: Some(number(0)),
        split_external_local_origin_errors: outlier.split_local_failures,
        ..OutlierDetection::default()
    };
    if let Some(count) = outlier.consecutive_5xx {
        detection.consecutive_5xx = on(Some(count)).map(number);
        detection.enforcing_consecutive_5xx = Some(number(if count > 0 { 100 } else { 0 }));
    }
    if let Some(count) = outlier.consecutive_gateway_errors {
        detection.consecutive_gateway_failure = on(Some(count)).map(number);
        detection.enforcing_consecutive_gateway_failure = Some(number(if count > 0 { 100 } else { 0 }));
    }
    if outlier.split_local_failures
        && let Some(count) = outlier.consecutive_local_failures
    {
        detection.consecutive_local_origin_failure = on(Some(count)).map(number);
        detection.enforcing_consecutive_local_origin_failure = Some(number(if count > 0 { 100 } else { 0 }));
    }
    (detection, outlier.min_health_percent.map(f64::from))
}

/// Probes that keep a connection.
pub fn keepalive(pool: &Pool) -> Option<TcpKeepalive> {
    let keepalive = pool.keepalive.as_ref()?;
    let seconds =
        |duration: Option<Duration>| duration.and_then(|duration| u32::try_from(duration.as_secs()).ok()).map(number);
    Some(TcpKeepalive {
        keepalive_probes: keepalive.probes.map(number),
        keepalive_time: seconds(keepalive.time),
        keepalive_interval: seconds(keepalive.interval),
    })
}

/// Options of HTTP towards the endpoints; none where bytes are opaque.
pub fn http_options(protocol: Protocol, pool: &Pool) -> Option<HttpProtocolOptions> {
    if protocol.is_opaque() || protocol.is_tls() || protocol == Protocol::Udp {
        return None;
    }
    let http2 = Http2ProtocolOptions {
        max_concurrent_streams: Some(number(pool.max_concurrent_streams.unwrap_or(1_073_741_824))),
        connection_keepalive: pool.http2_keepalive.and_then(|(interval, timeout)| {
            Some(KeepaliveSettings {
                interval: Some(duration(interval?)),
                timeout: Some(duration(timeout.unwrap_or(Duration::from_secs(20)))),
                ..KeepaliveSettings::default()
            })
        }),
        ..Http2ProtocolOptions::default()
    };
    let http1 = Http1ProtocolOptions::default();
    let wants_http2 = protocol.is_http2() || (protocol == Protocol::Http && pool.upgrade_to_http2 == Some(true));
    let as_caller = pool.use_client_protocol || protocol.is_detected();
    let options = if as_caller && !wants_http2 {
        UpstreamProtocolOptions::UseDownstreamProtocolConfig(UseDownstreamHttpConfig {
            http_protocol_options: Some(http1),
            http2_protocol_options: Some(http2),
            ..UseDownstreamHttpConfig::default()
        })
    } else {
        let config = if wants_http2 {
            ProtocolConfig::Http2ProtocolOptions(http2)
        } else {
            ProtocolConfig::HttpProtocolOptions(http1)
        };
        UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig { protocol_config: Some(config) })
    };
    let common = core::HttpProtocolOptions {
        idle_timeout: pool.http_idle_timeout.map(duration),
        max_connection_duration: pool.max_connection_duration.map(duration),
        max_requests_per_connection: pool.max_requests_per_connection.filter(|max| *max > 0).map(number),
        ..core::HttpProtocolOptions::default()
    };
    let says_something = common != core::HttpProtocolOptions::default();
    Some(HttpProtocolOptions {
        common_http_protocol_options: says_something.then_some(common),
        upstream_protocol_options: Some(options),
        ..HttpProtocolOptions::default()
    })
}

/// `panic_threshold` as Envoy has it.
pub fn percent(value: f64) -> Percent {
    Percent { value }
}

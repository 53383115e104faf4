//! Retries.

use envoy_types::pb::envoy::config::route::v3::{
    RetryPolicy,
    retry_policy::{RetryBackOff, RetryHostPredicate, retry_host_predicate::ConfigType},
};
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;

use crate::ir::{Name, Origin, Retry};
use crate::xds::proto::{any, duration, number};

/// What is tried again when nothing is said: failures where no process has seen the request.
const CONDITIONS: [&str; 4] = ["connect-failure", "refused-stream", "unavailable", "cancelled"];

/// The retries of routes that say nothing, when the mesh says nothing either.
pub fn usual() -> Retry {
    Retry {
        origin: Origin::default(),
        attempts: 2,
        per_try_timeout: None,
        conditions: CONDITIONS.iter().map(|word| Name::from(*word)).collect(),
        statuses: Vec::new(),
        backoff: None,
        max_backoff: None,
        avoid_tried: true,
        other_localities: false,
    }
}

/// A retry policy; none when retries are off.
pub fn policy(retry: &Retry) -> Option<RetryPolicy> {
    if retry.attempts == 0 {
        return None;
    }
    let mut words: Vec<&str> = retry.conditions.iter().map(|word| &**word).collect();
    if !retry.statuses.is_empty() && !words.contains(&"retriable-status-codes") {
        words.push("retriable-status-codes");
    }
    let other_host = RetryHostPredicate {
        name: "envoy.retry_host_predicates.previous_hosts".into(),
        config_type: Some(ConfigType::TypedConfig(any(&PreviousHostsPredicate {}))),
    };
    Some(RetryPolicy {
        retry_on: words.join(","),
        num_retries: Some(number(retry.attempts)),
        per_try_timeout: retry.per_try_timeout.map(duration),
        retriable_status_codes: retry.statuses.iter().map(|status| u32::from(*status)).collect(),
        retry_host_predicate: if retry.avoid_tried { vec![other_host] } else { Vec::new() },
        host_selection_retry_max_attempts: if retry.avoid_tried { 5 } else { 0 },
        retry_back_off: retry.backoff.map(|base| RetryBackOff {
            base_interval: Some(duration(base)),
            max_interval: retry.max_backoff.map(duration),
        }),
        ..RetryPolicy::default()
    })
}

//! What routes say to HTTP filters: faults and cross-origin rules.

use std::collections::HashMap;

use envoy_types::pb::envoy::extensions::filters::common::fault::v3::{FaultDelay, fault_delay::FaultDelaySecifier};
use envoy_types::pb::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use envoy_types::pb::envoy::extensions::filters::http::fault::v3::{FaultAbort, HttpFault, fault_abort::ErrorType};
use envoy_types::pb::google::protobuf::Any;

use crate::ir::{Abort, Cors, Fault, HttpRule, Name, Share};
use crate::xds::proto::{any, boolean, duration, fraction, ordered, runtime_fraction, text_match};

/// Configuration of filters for a rule.
pub fn of_rule(rule: &HttpRule) -> HashMap<String, Any> {
    let mut entries = Vec::new();
    if let Some(cors) = &rule.cors {
        entries.push(("envoy.filters.http.cors".to_owned(), any(&policy(cors))));
    }
    if let Some(injected) = &rule.fault {
        entries.push(("envoy.filters.http.fault".to_owned(), any(&fault(injected))));
    }
    ordered(entries)
}

fn fault(fault: &Fault) -> HttpFault {
    HttpFault {
        delay: fault.delay.map(|(time, share)| FaultDelay {
            percentage: Some(fraction(share)),
            fault_delay_secifier: Some(FaultDelaySecifier::FixedDelay(duration(time))),
        }),
        abort: fault.abort.map(|(abort, share)| FaultAbort {
            percentage: Some(fraction(share)),
            error_type: Some(match abort {
                Abort::Http(status) => ErrorType::HttpStatus(status.into()),
                Abort::Grpc(status) => ErrorType::GrpcStatus(status),
            }),
            ..FaultAbort::default()
        }),
        ..HttpFault::default()
    }
}

fn policy(cors: &Cors) -> CorsPolicy {
    let words = |words: &[Name]| words.join(",");
    CorsPolicy {
        allow_origin_string_match: cors.origins.iter().filter_map(text_match).collect(),
        allow_methods: words(&cors.methods),
        allow_headers: words(&cors.headers),
        expose_headers: words(&cors.expose),
        max_age: cors.max_age.map(|age| age.as_secs().to_string()).unwrap_or_default(),
        allow_credentials: cors.credentials.map(boolean),
        filter_enabled: Some(runtime_fraction(Share::ALL)),
        forward_not_matching_preflights: Some(boolean(cors.forward_unmatched)),
        ..CorsPolicy::default()
    }
}

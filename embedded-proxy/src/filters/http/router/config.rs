//! `envoy.extensions.filters.http.router.v3.Router`.

use std::sync::Arc;

use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::stats::Counter;

use super::strict::Strict;

/// The router: the end of every chain.
#[derive(Debug, Clone)]
pub struct Router {
    /// Whether requests are counted by code.
    pub(super) dynamic_stats: bool,
    /// Whether `x-envoy-*` fields are left out of requests and responses.
    pub(super) suppress: bool,
    /// Fields that have to be well formed.
    pub(super) strict: Vec<Strict>,
    /// Whether `x-envoy-expected-rq-timeout-ms` of a request is its timeout.
    pub(super) respect_expected: bool,
    /// Whether gRPC requests are left out of counts by code.
    pub(super) suppress_grpc_codes: bool,
    pub(super) stats: Arc<RouterStats>,
}

/// Stats under `http.PREFIX`.
#[derive(Debug)]
pub(super) struct RouterStats {
    pub(super) total: Arc<Counter>,
    pub(super) no_route: Arc<Counter>,
    pub(super) no_cluster: Arc<Counter>,
    pub(super) direct_response: Arc<Counter>,
    pub(super) reset_after_start: Arc<Counter>,
}

impl Router {
    /// Reads the message. The scope of `build` is that of the connection manager, `http.PREFIX`.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // The first has its span from the connection manager's tracing. The other speaks of early data, which is not
        // accepted at all.
        reader.ignore(&["start_child_span", "reject_connect_request_early_data"]);
        let strict: Vec<_> = reader.texts("strict_check_headers").iter().map(|name| Strict::new(name)).collect();
        if strict.iter().any(Option::is_none) {
            reader.defect("strict_check_headers", "holds a name of a field that has no strict check");
        }
        let scope = &build.scope;
        Some(Self {
            dynamic_stats: reader.opt_flag("dynamic_stats").unwrap_or(true),
            suppress: reader.flag("suppress_envoy_headers"),
            strict: strict.into_iter().collect::<Option<_>>()?,
            respect_expected: reader.flag("respect_expected_rq_timeout"),
            suppress_grpc_codes: reader.flag("suppress_grpc_request_failure_code_stats"),
            stats: Arc::new(RouterStats {
                total: scope.counter("rq_total"),
                no_route: scope.counter("no_route"),
                no_cluster: scope.counter("no_cluster"),
                direct_response: scope.counter("rq_direct_response"),
                reset_after_start: scope.counter("rq_reset_after_downstream_response_started"),
            }),
        })
    }
}

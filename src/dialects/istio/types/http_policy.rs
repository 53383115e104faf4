//! Retries, injected faults and cross-origin rules of an HTTP route.

use super::percent::Percent;
use super::rules::{DURATION, INT32};
use super::string_match::StringMatch;
use crate::schema::{At, Int, List, Period, Text};
use crate::{choice, message};

message! {
    /// When and how often a failed request is tried again.
    pub struct HttpRetry {
        /// Number of further tries; 0 turns retries off.
        attempts: Option<Int> = "attempts" [INT32],
        /// Time for one try, the first one included; the route's timeout when not set.
        per_try_timeout: Option<At<Period>> = "perTryTimeout" [DURATION],
        /// Conditions for another try, separated by commas.
        retry_on: Option<Text> = "retryOn",
        /// Also try endpoints of other localities.
        retry_remote_localities: Option<At<bool>> = "retryRemoteLocalities",
        /// Avoid the hosts that were tried.
        retry_ignore_previous_hosts: Option<At<bool>> = "retryIgnorePreviousHosts",
        /// Smallest wait between tries.
        backoff: Option<At<Period>> = "backoff" [DURATION],
    }
}

message! {
    /// Faults for tests of resilience.
    pub struct HttpFaultInjection {
        /// Wait before forwarding.
        delay: Option<FaultDelay> = "delay",
        /// Answer with an error.
        abort: Option<FaultAbort> = "abort",
    }
}

message! {
    /// A wait before forwarding.
    pub struct FaultDelay {
        /// Old form of `percentage`.
        percent: Option<Int> = "percent" [INT32],
        /// How long.
        fixed_delay: Option<At<Period>> = "fixedDelay" [DURATION],
        /// Not implemented.
        exponential_delay: Option<At<Period>> = "exponentialDelay" [DURATION],
        /// Share of requests.
        percentage: Option<Percent> = "percentage",
    } rules [AtMostOne(&["fixedDelay", "exponentialDelay"])]
}

message! {
    /// An error instead of an answer.
    pub struct FaultAbort {
        /// HTTP status.
        http_status: Option<Int> = "httpStatus" [INT32],
        /// gRPC status, by name or number.
        grpc_status: Option<Text> = "grpcStatus",
        /// Not implemented.
        http2_error: Option<Text> = "http2Error",
        /// Share of requests.
        percentage: Option<Percent> = "percentage",
    } rules [AtMostOne(&["httpStatus", "grpcStatus", "http2Error"])]
}

message! {
    /// Cross-origin requests of browsers.
    pub struct CorsPolicy {
        /// Old form of `allowOrigins`.
        allow_origin: List<Text> = "allowOrigin",
        /// Origins that are allowed.
        allow_origins: List<StringMatch> = "allowOrigins",
        /// Methods that are allowed.
        allow_methods: List<Text> = "allowMethods",
        /// Request headers that are allowed.
        allow_headers: List<Text> = "allowHeaders",
        /// Response headers that scripts may read.
        expose_headers: List<Text> = "exposeHeaders",
        /// How long a browser may remember the answer to a preflight request.
        max_age: Option<At<Period>> = "maxAge" [DURATION],
        /// Whether requests may carry credentials.
        allow_credentials: Option<At<bool>> = "allowCredentials",
        /// What to do with a preflight request of another origin.
        unmatched_preflights: Option<At<UnmatchedPreflights>> = "unmatchedPreflights",
    }
}

choice! {
    /// What to do with a preflight request of an origin that is not allowed.
    pub enum UnmatchedPreflights {
        /// As `FORWARD`.
        Unspecified = "UNSPECIFIED",
        /// Pass it to the service.
        Forward = "FORWARD",
        /// Answer it without permission.
        Ignore = "IGNORE",
    }
}

/// Names of gRPC statuses; the place of each is its number.
pub const GRPC_STATUSES: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

//! Names of Envoy's own header fields.

use http::HeaderName;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(#[doc = concat!("`", $text, "`")] pub const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    ATTEMPT_COUNT = "x-envoy-attempt-count";
    DECORATOR_OPERATION = "x-envoy-decorator-operation";
    DROP = "x-envoy-drop-overload";
    EXPECTED_TIMEOUT = "x-envoy-expected-rq-timeout-ms";
    FORWARDED_HOST = "x-forwarded-host";
    GRPC_STATUS = "grpc-status";
    HEDGE_ON_TIMEOUT = "x-envoy-hedge-on-per-try-timeout";
    IMMEDIATE_HEALTH_CHECK_FAIL = "x-envoy-immediate-health-check-fail";
    INTERNAL = "x-envoy-internal";
    IS_TIMEOUT_RETRY = "x-envoy-is-timeout-retry";
    MAX_RETRIES = "x-envoy-max-retries";
    ORIGINAL_HOST = "x-envoy-original-host";
    ORIGINAL_PATH = "x-envoy-original-path";
    ORIGINAL_URL = "x-envoy-original-url";
    OVERLOADED = "x-envoy-overloaded";
    PER_TRY_TIMEOUT = "x-envoy-upstream-rq-per-try-timeout-ms";
    RATE_LIMITED = "x-envoy-ratelimited";
    RETRIABLE_HEADER_NAMES = "x-envoy-retriable-header-names";
    RETRIABLE_STATUS_CODES = "x-envoy-retriable-status-codes";
    RETRY_GRPC_ON = "x-envoy-retry-grpc-on";
    RETRY_ON = "x-envoy-retry-on";
    SERVICE_TIME = "x-envoy-upstream-service-time";
    TIMEOUT = "x-envoy-upstream-rq-timeout-ms";
    TIMEOUT_ALT_RESPONSE = "x-envoy-upstream-rq-timeout-alt-response";
    UNCONDITIONAL_DROP = "x-envoy-unconditional-drop-overload";
    UPSTREAM_CANARY = "x-envoy-upstream-canary";
}

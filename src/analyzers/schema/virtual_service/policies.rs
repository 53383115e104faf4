//! Retries, injected faults and cross-origin rules (rules 17, 18 and 21).

use super::actions::http_status;
use super::http::filled;
use super::matches::regex;
use crate::analyzers::schema::shared::{Report, Verdict, durations, headers, percentages};
use crate::dialects::istio::types::{
    Comparison, CorsPolicy, FaultAbort, FaultDelay, GRPC_STATUSES, HttpFaultInjection, HttpRetry,
};

/// Conditions for another try that Envoy knows, for HTTP and gRPC. Source: Envoy's router filter.
const RETRY_ON: &[&str] = &[
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

/// Methods that a browser may ask for.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];

/// Rule 21: retries.
pub fn retries(report: &mut Report<'_>, retries: Option<&HttpRetry>) {
    let Some(retries) = retries else { return };
    let attempts = retries.attempts.as_ref();
    if let Some(attempts) = attempts.filter(|attempts| attempts.value < 0) {
        report.error(attempts.span(), format!("{} is no number of attempts: it must be at least 0", attempts.value));
    }
    let settings = [
        retries.per_try_timeout.as_ref().map(|d| d.place),
        filled(retries.retry_on.as_ref()).map(|r| r.place),
        retries.retry_remote_localities.as_ref().map(|r| r.place),
    ];
    if attempts.is_none_or(|attempts| attempts.value == 0)
        && let Some(setting) = settings.into_iter().flatten().next()
    {
        let span = attempts.map_or(setting.entry(), |attempts| attempts.place.entry());
        report
            .error(span, "retries are off (`attempts` is 0 or not set), so their other settings have no meaning")
            .help("set `attempts` to the number of further tries, or leave only `attempts: 0`");
    }
    durations::check(report, [retries.per_try_timeout.as_ref(), retries.backoff.as_ref()]);
    report.text(filled(retries.retry_on.as_ref()), |list| list.split(',').try_for_each(retry_condition));
}

/// One condition: a word that Envoy knows, or an HTTP status.
fn retry_condition(word: &str) -> Verdict {
    let status = word.parse::<u16>().is_ok_and(|code| (100..=599).contains(&code));
    if status || RETRY_ON.contains(&word) {
        return Ok(());
    }
    let trimmed = word.trim();
    if trimmed != word && (RETRY_ON.contains(&trimmed) || trimmed.parse::<u16>().is_ok()) {
        return Err(format!("the condition {word:?} has a space: separate conditions by commas alone"));
    }
    let near = crate::near::nearest(word, RETRY_ON.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(format!("{word:?} is no condition for a retry that Envoy knows{near}"))
}

/// Rule 18: injected faults.
pub fn fault(report: &mut Report<'_>, fault: Option<&HttpFaultInjection>) {
    let Some(fault) = fault else { return };
    if fault.abort.is_none() && fault.delay.is_none() {
        report.error(fault.place.entry(), "the fault needs `abort` or `delay`");
    }
    if let Some(delay) = &fault.delay {
        fault_delay(report, delay);
    }
    if let Some(abort) = &fault.abort {
        fault_abort(report, abort);
    }
}

fn fault_delay(report: &mut Report<'_>, delay: &FaultDelay) {
    report.value(delay.percentage.as_ref().and_then(|p| p.value.as_ref()), percentages::fine_percent);
    durations::check(report, [delay.fixed_delay.as_ref()]);
    if let Some(exponential) = &delay.exponential_delay {
        report.error(exponential.place.entry(), "`exponentialDelay` is not implemented: use `fixedDelay`");
    }
}

fn fault_abort(report: &mut Report<'_>, abort: &FaultAbort) {
    report.value(abort.percentage.as_ref().and_then(|p| p.value.as_ref()), percentages::fine_percent);
    report.value(abort.http_status.as_ref(), http_status);
    report.text(abort.grpc_status.as_ref(), |status| {
        if GRPC_STATUSES.contains(&status) {
            return Ok(());
        }
        Err(format!("{status:?} is no gRPC status: use a name such as `UNAVAILABLE`"))
    });
    if let Some(http2) = &abort.http2_error {
        report.error(http2.place.entry(), "`http2Error` is not implemented: use `httpStatus` or `grpcStatus`");
    }
    if abort.http_status.is_none() && abort.grpc_status.is_none() && abort.http2_error.is_none() {
        report.warning(abort.place.entry(), "the abort has no status, so nothing is aborted").help("set `httpStatus`");
    }
}

/// Rule 17: cross-origin rules.
pub fn cors(report: &mut Report<'_>, cors: Option<&CorsPolicy>) {
    let Some(cors) = cors else { return };
    for origin in &cors.allow_origins {
        let is_empty = match origin.comparison() {
            Comparison::Exact(text) | Comparison::Prefix(text) => text.as_str().is_empty(),
            Comparison::Regex(_) => false,
            Comparison::Present => true,
        };
        if is_empty {
            report.error(origin.place.span(), "an allowed origin needs `exact`, `prefix` or `regex` with a text");
        }
        regex(report, Some(origin));
    }
    report.each(&cors.allow_methods, |method| {
        if METHODS.contains(&method) {
            return Ok(());
        }
        Err(format!("{method:?} is no HTTP method (methods are in capitals)"))
    });
    report.each(&cors.allow_headers, headers::cors_name);
    report.each(&cors.expose_headers, headers::cors_name);
    durations::check(report, [cors.max_age.as_ref()]);
    if let Some(max_age) = cors.max_age.as_ref().filter(|age| age.value.0.subsec_nanos() % 1_000_000_000 != 0)
        && durations::whole_ms(max_age.value).is_ok()
    {
        report.error(max_age.span(), "`maxAge` is sent to browsers in seconds: write whole seconds");
    }
}

//! IST9001: retries that the route's timeout cuts short.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::schema::shared::durations::text;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::HttpRoute;
use crate::dialects::object::Meta;
use std::time::Duration;

declare_code! {
    /// Retries that do not fit into the timeout
    ///
    /// ## Why
    ///
    /// The route's `timeout` covers the first try and all retries together. `attempts: 3` with `perTryTimeout: 10s` may
    /// take four tries of 10s. With `timeout: 30s` the request ends during the fourth: that retry loads the service and
    /// can never help.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    ///     timeout: 30s
    ///     retries:
    ///       attempts: 3
    ///       perTryTimeout: 10s
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    ///     timeout: 30s
    ///     retries:
    ///       attempts: 2
    ///       perTryTimeout: 10s
    /// ```
    ///
    /// ## Fix
    ///
    /// Make `timeout` at least (1 + attempts) times `perTryTimeout`, or lower one of these two.
    pub RETRIES_EXCEED_TIMEOUT = "IST9001", "RetriesExceedTimeout", Warning
}

/// Checks timeouts of routes with retries.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.RetriesFitTimeout",
    summary: "Retries fit into the timeout of their route",
    codes: &[&RETRIES_EXCEED_TIMEOUT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.virtual_services {
        for route in &object.spec.http {
            check(&object.meta, route, sink);
        }
    }
}

fn check(meta: &Meta, route: &HttpRoute, sink: &mut Sink) {
    let Some((timeout, retries)) = route.timeout.as_ref().zip(route.retries.as_ref()) else { return };
    let Some((attempts, per_try)) = retries.attempts.as_ref().zip(retries.per_try_timeout.as_ref()) else { return };
    let (limit, one) = (timeout.value.0, per_try.value.0);
    let Ok(count @ 1..) = u32::try_from(attempts.value) else { return };
    let Some(all) = one.checked_mul(count.saturating_add(1)) else { return };
    if all <= limit || limit.is_zero() || one.is_zero() {
        return;
    }
    // Whole tries that fit, the first one included.
    let fit = u32::try_from(limit.as_millis() / one.as_millis().max(1)).unwrap_or(u32::MAX);
    let cut = match fit {
        0 => "not even the first try gets its time".to_owned(),
        1 => "no retry gets its full time".to_owned(),
        _ => format!("only {fit} tries get their full time"),
    };
    let finding = sink
        .report(
            &RETRIES_EXCEED_TIMEOUT,
            meta,
            timeout.span(),
            format!(
                "1 try and {count} {} of {} take up to {}, but the route ends after {}: {cut}.",
                if count == 1 { "retry" } else { "retries" },
                text(one),
                text(all),
                text(limit)
            ),
        )
        .label("too short for the retries");
    let shorter = text(shorter(limit, count));
    finding
        .help(match fit {
            0 | 1 => format!("raise `timeout` to {}, or lower `perTryTimeout` to {shorter}", text(all)),
            _ => format!(
                "raise `timeout` to {}, or lower `attempts` to {} or `perTryTimeout` to {shorter}",
                text(all),
                fit - 1
            ),
        })
        .related(meta.file, attempts.place.entry(), "so many retries")
        .related(meta.file, per_try.place.entry(), "so long each");
}

/// The time of one try with which all fit, in whole milliseconds.
fn shorter(limit: Duration, retries: u32) -> Duration {
    let each = limit.as_millis() / u128::from(retries.saturating_add(1));
    Duration::from_millis(u64::try_from(each).unwrap_or(u64::MAX))
}

//! Connection pools of DestinationRules and Sidecars (rule 29).

use super::{Report, durations};
use crate::dialects::istio::types::{ConnectionPoolSettings, H2UpgradePolicy, HttpSettings, TcpSettings};
use crate::schema::Int;

/// Validates the limits when they are set.
pub fn check(report: &mut Report<'_>, pool: Option<&ConnectionPoolSettings>) {
    let Some(pool) = pool else { return };
    if pool.tcp.is_none() && pool.http.is_none() {
        report.error(pool.place.entry(), "the connection pool has no limits").help("set `tcp` or `http`");
    }
    if let Some(http) = &pool.http {
        http_limits(report, http);
    }
    if let Some(tcp) = &pool.tcp {
        tcp_limits(report, tcp);
    }
}

fn http_limits(report: &mut Report<'_>, http: &HttpSettings) {
    let limits = [
        &http.http1_max_pending_requests,
        &http.http2_max_requests,
        &http.max_requests_per_connection,
        &http.max_retries,
        &http.max_concurrent_streams,
    ];
    for limit in limits {
        not_negative(report, limit.as_ref());
    }
    durations::check(report, [http.idle_timeout.as_ref()]);
    let upgrades = http.h2_upgrade_policy.as_ref().filter(|policy| policy.value == H2UpgradePolicy::Upgrade);
    let keeps = http.use_client_protocol.as_ref().filter(|keeps| keeps.value);
    if let (Some(upgrade), Some(keeps)) = (upgrades, keeps) {
        let file = report.meta.file;
        report
            .error(
                keeps.place.entry(),
                "`useClientProtocol` keeps the caller's HTTP version and `h2UpgradePolicy: UPGRADE` changes it",
            )
            .related(file, upgrade.place.entry(), "the upgrade");
    }
    if let Some(keepalive) = &http.http2_keep_alive {
        for (name, part) in [("interval", &keepalive.interval), ("timeout", &keepalive.timeout)] {
            if part.is_none() {
                report.error(keepalive.place.entry(), format!("the HTTP/2 keepalive needs `{name}`"));
            }
        }
        durations::check(report, [keepalive.interval.as_ref(), keepalive.timeout.as_ref()]);
    }
}

fn tcp_limits(report: &mut Report<'_>, tcp: &TcpSettings) {
    not_negative(report, tcp.max_connections.as_ref());
    let idle = tcp.idle_timeout.as_ref();
    durations::check(report, [tcp.connect_timeout.as_ref(), tcp.max_connection_duration.as_ref(), idle]);
    if let Some(idle) = idle.filter(|idle| !idle.value.0.is_zero() && idle.value.0.as_millis() == 0) {
        report.error(idle.span(), "the idle timeout must be 0s (off) or at least 1ms");
    }
    if let Some(keepalive) = &tcp.tcp_keepalive {
        durations::check(report, [keepalive.time.as_ref(), keepalive.interval.as_ref()]);
    }
}

/// Checks that a limit is not negative.
fn not_negative(report: &mut Report<'_>, limit: Option<&Int>) {
    if let Some(limit) = limit.filter(|limit| limit.value < 0) {
        report.error(limit.span(), format!("the limit {} is negative", limit.value));
    }
}

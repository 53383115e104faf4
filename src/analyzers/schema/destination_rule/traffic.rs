//! Traffic policies: outlier detection, ports, tunnels (rules 28, 34 and 36); their other parts have files of their own.

use super::load_balancer;
use crate::analyzers::schema::shared::{Report, client_tls, connection_pool, durations, names, percentages, ports};
use crate::dialects::istio::types::{OutlierDetection, PortTrafficPolicy, TrafficPolicy, TunnelSettings};

/// Validates a policy when it is set.
pub fn policy(report: &mut Report<'_>, policy: Option<&TrafficPolicy>) {
    let Some(policy) = policy else { return };
    let parts = [
        policy.load_balancer.is_some(),
        policy.connection_pool.is_some(),
        policy.outlier_detection.is_some(),
        policy.tls.is_some(),
        policy.port_level_settings.is_set(),
        policy.tunnel.is_some(),
        policy.proxy_protocol.is_some(),
        policy.retry_budget.is_some(),
    ];
    if !parts.contains(&true) {
        report.error(policy.place.entry(), "the traffic policy has no effect: none of its fields is set");
        return;
    }
    if let (Some(tunnel), Some(proxy_protocol)) = (&policy.tunnel, &policy.proxy_protocol) {
        let file = report.meta.file;
        report.error(proxy_protocol.place.entry(), "a policy takes either `tunnel` or `proxyProtocol`").related(
            file,
            tunnel.place.entry(),
            "the tunnel",
        );
    }
    outlier_detection(report, policy.outlier_detection.as_deref());
    connection_pool::check(report, policy.connection_pool.as_deref());
    load_balancer::check(report, policy.load_balancer.as_deref(), policy.outlier_detection.is_some());
    client_tls::check(report, policy.tls.as_deref());
    for port in &policy.port_level_settings {
        port_policy(report, port);
    }
    if let Some(tunnel) = &policy.tunnel {
        check_tunnel(report, tunnel);
    }
}

/// Rule 34: a port's policy names its port and sets something.
fn port_policy(report: &mut Report<'_>, policy: &PortTrafficPolicy) {
    match &policy.port {
        None => {
            report.error(policy.place.span(), "the settings name no port").help("add `port: {number: N}`");
        }
        Some(port) => {
            report.value(port.number.as_ref(), ports::port);
        }
    }
    let parts = [
        policy.load_balancer.is_some(),
        policy.connection_pool.is_some(),
        policy.outlier_detection.is_some(),
        policy.tls.is_some(),
    ];
    if !parts.contains(&true) {
        report.error(policy.place.span(), "the settings of this port have no effect: none is set");
    }
    outlier_detection(report, policy.outlier_detection.as_deref());
    connection_pool::check(report, policy.connection_pool.as_deref());
    load_balancer::check(report, policy.load_balancer.as_deref(), policy.outlier_detection.is_some());
    client_tls::check(report, policy.tls.as_deref());
}

/// Rule 28. The deprecated `consecutiveErrors` is a finding of its own (IST9006).
fn outlier_detection(report: &mut Report<'_>, outlier: Option<&OutlierDetection>) {
    let Some(outlier) = outlier else { return };
    durations::check(report, [outlier.interval.as_ref(), outlier.base_ejection_time.as_ref()]);
    report.value(outlier.max_ejection_percent.as_ref(), percentages::whole_percent);
    report.value(outlier.min_health_percent.as_ref(), percentages::whole_percent);
    let split = outlier.split_external_local_origin_errors.as_ref().is_some_and(|split| split.value);
    let local = outlier.consecutive_local_origin_failures.as_ref().filter(|count| count.value > 0);
    if let (false, Some(local)) = (split, local) {
        report
            .error(
                local.place.entry(),
                "failures to connect are only counted apart with `splitExternalLocalOriginErrors: true`",
            )
            .help("add it, or remove this count");
    }
}

/// Rule 36: tunnels.
fn check_tunnel(report: &mut Report<'_>, tunnel: &TunnelSettings) {
    report.text(tunnel.protocol.as_ref(), |protocol| match protocol {
        "" | "CONNECT" | "POST" => Ok(()),
        _ => Err(format!("a tunnel is made by CONNECT or POST, not {protocol:?}")),
    });
    report.text(tunnel.target_host.as_ref(), names::fqdn_or_ip);
    report.value(tunnel.target_port.as_ref(), ports::port);
}

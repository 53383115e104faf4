//! Traffic policies of DestinationRules.

use std::collections::BTreeMap;
use std::time::Duration;

use super::balancing::balancing;
use super::context::Context;
use crate::dialects::istio::types as istio;
use crate::ir::{
    ClientTls, ClientTlsMode, Keepalive, Key, Name, Origin, Outlier, Pool, RetryBudget, Share, TlsMaterial,
    TrafficPolicy, Tunnel,
};
use crate::manifests::source::Place;
use crate::schema::{At, Int, Period, Text};

/// A policy. `path` is that of what holds it.
pub fn policy(cx: &Context<'_>, path: &str, policy: &istio::TrafficPolicy) -> TrafficPolicy {
    let path = format!("{path}.trafficPolicy");
    let parts = Parts {
        load_balancer: policy.load_balancer.as_deref(),
        connection_pool: policy.connection_pool.as_deref(),
        outlier_detection: policy.outlier_detection.as_deref(),
        tls: policy.tls.as_deref(),
    };
    let mut out = parts.lower(cx, &path);
    for (at, settings) in policy.port_level_settings.iter().enumerate() {
        let number = settings.port.as_ref().and_then(|port| port.number.as_ref());
        let Some(number) = number.and_then(|number| u16::try_from(number.value).ok()) else { continue };
        let parts = Parts {
            load_balancer: settings.load_balancer.as_deref(),
            connection_pool: settings.connection_pool.as_deref(),
            outlier_detection: settings.outlier_detection.as_deref(),
            tls: settings.tls.as_deref(),
        };
        out.ports.entry(number).or_insert_with(|| parts.lower(cx, &format!("{path}.portLevelSettings[{at}]")));
    }
    out.tunnel = policy.tunnel.as_deref().and_then(|tunnel| {
        Some(Tunnel {
            host: tunnel.target_host.as_ref()?.as_str().into(),
            port: count(tunnel.target_port.as_ref()).and_then(|port| u16::try_from(port).ok())?,
            post: tunnel.protocol.as_ref().is_some_and(|protocol| protocol.as_str() == "POST"),
        })
    });
    out.proxy_protocol = policy.proxy_protocol.as_ref().map(|protocol| {
        let is_second = |version: &At<istio::ProxyProtocolVersion>| version.value == istio::ProxyProtocolVersion::V2;
        if protocol.version.as_ref().is_some_and(is_second) { 2 } else { 1 }
    });
    out.retry_budget = policy.retry_budget.as_ref().map(|budget| RetryBudget {
        origin: cx.at(format!("{path}.retryBudget"), Place::default()),
        share: Share::percent(budget.percent.as_ref().map_or(20.0, |percent| percent.value)),
        minimum: count(budget.min_retry_concurrency.as_ref()).unwrap_or(3),
    });
    out
}

/// What a policy and the settings of a port have in common.
struct Parts<'p> {
    load_balancer: Option<&'p istio::LoadBalancerSettings>,
    connection_pool: Option<&'p istio::ConnectionPoolSettings>,
    outlier_detection: Option<&'p istio::OutlierDetection>,
    tls: Option<&'p istio::ClientTlsSettings>,
}

impl Parts<'_> {
    fn lower(&self, cx: &Context<'_>, path: &str) -> TrafficPolicy {
        let at = |field: &str| cx.at(format!("{path}.{field}"), Place::default());
        TrafficPolicy {
            ports: BTreeMap::new(),
            balancing: self.load_balancer.map(|settings| balancing(settings, at("loadBalancer"))),
            pool: self.connection_pool.map(|settings| pool(settings, at("connectionPool"))),
            outlier: self.outlier_detection.map(|settings| outlier(settings, at("outlierDetection"))),
            tls: self.tls.map(|settings| tls(cx, settings, path)),
            ..TrafficPolicy::default()
        }
    }
}

/// A number that is not negative.
pub fn count(number: Option<&Int>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number.value).ok())
}

/// A duration.
pub fn period(period: Option<&At<Period>>) -> Option<Duration> {
    period.map(|period| period.value.0)
}

/// Limits of connections and requests.
pub fn pool(settings: &istio::ConnectionPoolSettings, origin: Origin) -> Pool {
    let mut pool = Pool { origin, ..Pool::default() };
    if let Some(tcp) = &settings.tcp {
        pool.max_connections = count(tcp.max_connections.as_ref());
        pool.connect_timeout = period(tcp.connect_timeout.as_ref());
        pool.max_connection_duration = period(tcp.max_connection_duration.as_ref());
        pool.tcp_idle_timeout = period(tcp.idle_timeout.as_ref());
        pool.keepalive = tcp.tcp_keepalive.as_ref().map(|keepalive| Keepalive {
            probes: count(keepalive.probes.as_ref()),
            time: period(keepalive.time.as_ref()),
            interval: period(keepalive.interval.as_ref()),
        });
    }
    if let Some(http) = &settings.http {
        pool.max_pending_requests = count(http.http1_max_pending_requests.as_ref());
        pool.max_requests = count(http.http2_max_requests.as_ref());
        pool.max_requests_per_connection = count(http.max_requests_per_connection.as_ref());
        pool.max_retries = count(http.max_retries.as_ref());
        pool.http_idle_timeout = period(http.idle_timeout.as_ref());
        pool.use_client_protocol = http.use_client_protocol.as_ref().is_some_and(|flag| flag.value);
        pool.max_concurrent_streams = count(http.max_concurrent_streams.as_ref());
        pool.upgrade_to_http2 = http.h2_upgrade_policy.as_ref().and_then(|policy| match policy.value {
            istio::H2UpgradePolicy::Default => None,
            istio::H2UpgradePolicy::DoNotUpgrade => Some(false),
            istio::H2UpgradePolicy::Upgrade => Some(true),
        });
        pool.http2_keepalive = http
            .http2_keep_alive
            .as_ref()
            .map(|keepalive| (period(keepalive.interval.as_ref()), period(keepalive.timeout.as_ref())));
    }
    pool
}

fn outlier(settings: &istio::OutlierDetection, origin: Origin) -> Outlier {
    let split = settings.split_external_local_origin_errors.as_ref().is_some_and(|flag| flag.value);
    // The old field counted gateway errors.
    let gateway = settings.consecutive_gateway_errors.as_ref().or(settings.consecutive_errors.as_ref());
    Outlier {
        origin,
        consecutive_5xx: count(settings.consecutive_5xx_errors.as_ref()),
        consecutive_gateway_errors: count(gateway),
        consecutive_local_failures: count(settings.consecutive_local_origin_failures.as_ref()),
        split_local_failures: split,
        interval: period(settings.interval.as_ref()),
        base_ejection: period(settings.base_ejection_time.as_ref()),
        max_ejection: None,
        max_ejection_percent: count(settings.max_ejection_percent.as_ref()).filter(|percent| *percent > 0),
        min_health_percent: count(settings.min_health_percent.as_ref()),
    }
}

fn tls(cx: &Context<'_>, settings: &istio::ClientTlsSettings, path: &str) -> ClientTls {
    let place = settings.mode.as_ref().map_or(Place::default(), |mode| mode.place);
    let mode = match settings.mode.as_ref().map(|mode| mode.value) {
        None | Some(istio::ClientTlsMode::Disable) => ClientTlsMode::Off,
        Some(istio::ClientTlsMode::Simple) => ClientTlsMode::Server,
        Some(istio::ClientTlsMode::Mutual) => ClientTlsMode::Mutual,
        Some(istio::ClientTlsMode::IstioMutual) => ClientTlsMode::Mesh,
    };
    let name =
        |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.as_str())).filter(|text| !text.is_empty());
    let (certificate, key, roots) =
        (name(&settings.client_certificate), name(&settings.private_key), name(&settings.ca_certificates));
    let material = match name(&settings.credential_name) {
        Some(secret) => TlsMaterial::Secret { key: Key::new(cx.namespace(), secret), roots: None },
        None if certificate.is_some() || key.is_some() || roots.is_some() => {
            TlsMaterial::Files { certificate, key, roots, revoked: name(&settings.ca_crl) }
        }
        None => TlsMaterial::None,
    };
    let insecure = settings.insecure_skip_verify.as_ref().is_some_and(|flag| flag.value);
    ClientTls {
        origin: cx.at(format!("{path}.tls"), place),
        mode,
        server_name: name(&settings.sni),
        names: settings.subject_alt_names.iter().map(|name| name.as_str().into()).collect(),
        // Roots that nobody names are those of the system: a server that proves nothing would be trusted otherwise.
        system_roots: material == TlsMaterial::None && mode == ClientTlsMode::Server,
        material,
        insecure,
    }
}

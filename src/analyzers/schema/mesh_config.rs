//! Validation of MeshConfig (rule 79): what istiod or the proxies would refuse or misread at run time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::shared::{Report, Verdict, names, ports};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{ExtensionProvider, MeshConfig, MeshProxyConfig};
use crate::manifests::source::Span;
use crate::schema::{At, Int, Period, Text};

/// Validates every mesh configuration.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.MeshConfig",
    summary: "Values of the mesh configuration that cannot work",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for (meta, config) in &cx.mesh.configs {
        let mut report = Report::new(meta, sink);
        numbers(&mut report, config);
        providers(&mut report, config);
        if let Some(proxy) = &config.default_config {
            proxy_config(&mut report, proxy);
        }
    }
}

fn numbers(report: &mut Report<'_>, config: &MeshConfig) {
    port(report, [config.proxy_listen_port.as_ref(), config.proxy_inbound_listen_port.as_ref()]);
    at_least(report, config.connect_timeout.as_ref(), Duration::from_millis(1));
    if let Some(detection) = config.protocol_detection_timeout.filter(|d| !d.value.0.is_zero()) {
        at_least(report, Some(&detection), Duration::from_millis(1));
    }
}

/// Ports that are set; 0 stands for "not set" in protobuf.
fn port<'p>(report: &mut Report<'_>, numbers: impl IntoIterator<Item = Option<&'p Int>>) {
    for number in numbers.into_iter().flatten().filter(|number| number.value != 0) {
        report.verdict(number.span(), ports::port(number.value));
    }
}

fn at_least(report: &mut Report<'_>, period: Option<&At<Period>>, least: Duration) {
    if let Some(period) = period.filter(|period| period.value.0 < least) {
        report.error(period.span(), format!("must be at least {}", super::shared::durations::text(least)));
    }
}

fn providers(report: &mut Report<'_>, config: &MeshConfig) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for provider in &config.extension_providers {
        if let Some(name) = &provider.name {
            let file = report.meta.file;
            if let Some(first) = seen.get(name.as_str()) {
                report.error(name.span(), format!("the provider {} is defined twice", name.as_str())).related(
                    file,
                    *first,
                    "defined here first",
                );
            }
            seen.entry(name.as_str()).or_insert_with(|| name.span());
        }
        provider_kind(report, provider);
    }
}

/// A provider has a kind; kinds with a backend need its host and port.
fn provider_kind(report: &mut Report<'_>, provider: &ExtensionProvider) {
    let span = provider.name.as_ref().map_or_else(|| provider.place.span(), Text::span);
    let Some(kind) = provider.kind() else {
        report
            .error(span, format!("the provider {} has no kind", provider.name()))
            .help("add one of zipkin, opentelemetry, envoyExtAuthzHttp, envoyExtAuthzGrpc, envoyFileAccessLog, ...");
        return;
    };
    let (service, port_number, kind) = (kind.service, kind.port, kind.word);
    // Datadog and the like need an address; Google Cloud finds its own.
    if ["prometheus", "envoyFileAccessLog", "stackdriver", "sds"].contains(&kind) {
        return;
    }
    match service {
        None => {
            report.error(span, format!("the provider {} needs `{kind}.service`", provider.name()));
        }
        Some(service) => {
            report.verdict(service.span(), service_host(service.as_str()));
        }
    }
    match port_number {
        None => {
            report.error(span, format!("the provider {} needs `{kind}.port`", provider.name()));
        }
        Some(number) => {
            report.verdict(number.span(), ports::port(number.value));
        }
    }
}

/// `HOST` or `NAMESPACE/HOST`.
fn service_host(text: &str) -> Verdict {
    match text.split_once('/') {
        Some((namespace, host)) => names::dns_label("the namespace", namespace).and_then(|()| names::fqdn(host)),
        None => names::fqdn(text),
    }
}

fn proxy_config(report: &mut Report<'_>, proxy: &MeshProxyConfig) {
    port(report, [proxy.proxy_admin_port.as_ref(), proxy.status_port.as_ref()]);
    at_least(report, proxy.drain_duration.as_ref(), Duration::from_secs(1));
    at_least(report, proxy.parent_shutdown_duration.as_ref(), Duration::from_secs(1));
    if let (Some(drain), Some(shutdown)) = (proxy.drain_duration, proxy.parent_shutdown_duration)
        && shutdown.value <= drain.value
    {
        report.error(shutdown.span(), "`parentShutdownDuration` must be longer than `drainDuration`");
    }
    for address in [&proxy.discovery_address, &proxy.statsd_udp_address, &proxy.zipkin_address].into_iter().flatten() {
        if !address.is_empty() {
            report.verdict(address.span(), host_and_port(address.as_str()));
        }
    }
    if let Some(concurrency) = proxy.concurrency.filter(|concurrency| concurrency.value < 0) {
        report.error(concurrency.span(), "`concurrency` must be at least 0");
    }
}

/// `HOST:PORT`. Variables (`$(HOST_IP)`) are filled in by the proxy and not judged.
fn host_and_port(text: &str) -> Verdict {
    if text.contains("$(") {
        return Ok(());
    }
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<i64>().ok()?)));
    let Some((host, port)) = parts else { return Err(format!("{text:?} is no address: write host:port")) };
    names::fqdn_or_ip(host.trim_start_matches('[').trim_end_matches(']')).and_then(|()| ports::port(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_79_addresses() {
        for fine in ["istiod.istio-system.svc:15012", "10.0.0.1:9125", "[::1]:80", "$(HOST_IP):8126"] {
            assert_eq!(host_and_port(fine), Ok(()), "{fine}");
        }
        for bad in ["istiod", "istiod:", "istiod:0", "istiod:http", "a_b:80"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
        assert!(service_host("foo/zipkin.example.com").is_ok());
        assert!(service_host("zipkin:9411").is_err());
    }
}

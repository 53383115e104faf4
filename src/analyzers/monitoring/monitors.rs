//! MON0002, MON0011, MON0012: monitors that scrape the wrong path, no Service, or a port that is not there.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::label_selector;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::Service;
use crate::dialects::monitoring::types::{Endpoint, ServiceMonitor};
use crate::dialects::object::{Meta, Object};
use crate::schema::{Text, values::text_or_empty};

declare_code! {
    /// The proxies' metrics path on the control plane
    ///
    /// ## Why
    ///
    /// istiod serves its metrics under `/metrics`. `/stats/prometheus` is the path of the Envoy proxies: on istiod it
    /// answers 404, and the target stays down. The proxies are no endpoints of istiod's Service; a PodMonitor finds them.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: monitoring.coreos.com/v1
    /// kind: ServiceMonitor
    /// metadata: {name: istiod}
    /// spec:
    ///   selector: {matchLabels: {app: istiod}}
    ///   endpoints:
    ///   - port: http-monitoring
    ///     path: /stats/prometheus
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: monitoring.coreos.com/v1
    /// kind: ServiceMonitor
    /// metadata: {name: istiod}
    /// spec:
    ///   selector: {matchLabels: {app: istiod}}
    ///   endpoints:
    ///   - port: http-monitoring
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove `path` (or write `/metrics`), and scrape the proxies with a PodMonitor on the path `/stats/prometheus`.
    pub PROXY_PATH = "MON0002", "ProxyMetricsPathOnIstiod", Error
}

declare_code! {
    /// A ServiceMonitor that selects no Service
    ///
    /// ## Why
    ///
    /// No Service in the namespaces that the monitor looks at has the labels of its selector, so nothing is scraped, and no
    /// error appears anywhere. The selector is for labels of the Service, not of the pods.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: monitoring.coreos.com/v1
    /// kind: ServiceMonitor
    /// metadata: {name: web}
    /// spec:
    ///   selector: {matchLabels: {app: wbe}}
    ///   endpoints: [{port: http}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: monitoring.coreos.com/v1
    /// kind: ServiceMonitor
    /// metadata: {name: web}
    /// spec:
    ///   selector: {matchLabels: {app: web}} # a label of the Service web
    ///   endpoints: [{port: http}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Use labels that the Service has, and name its namespace in `namespaceSelector` when it is another one.
    pub NO_SERVICE = "MON0011", "MonitorSelectsNothing", Warning
}

declare_code! {
    /// A ServiceMonitor with a port that its Services lack
    ///
    /// ## Why
    ///
    /// `port` is the name of a port of the Service. None of the selected Services has a port of this name, so the endpoint
    /// is dropped without an error.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// endpoints:
    /// - port: "8080"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// endpoints:
    /// - port: http-metrics
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the name of the Service's port, not its number.
    pub NO_PORT = "MON0012", "MonitorPortMissing", Warning
}

/// Checks what monitors scrape.
pub static ANALYZER: Analyzer = Analyzer {
    name: "monitoring.Monitors",
    summary: "Monitors find Services, ports and the right path",
    codes: &[&PROXY_PATH, &NO_SERVICE, &NO_PORT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for monitor in &cx.service_monitors {
        if selects_istiod(&monitor.spec) {
            check_path(&monitor.meta, &monitor.spec, sink);
        }
        check_services(cx, monitor, sink);
    }
}

fn selects_istiod(spec: &ServiceMonitor) -> bool {
    let Some(selector) = &spec.selector else { return false };
    let label = |key| selector.match_labels.text(key);
    let expressed = selector.match_expressions.iter().any(|expression| {
        let key = expression.key.as_ref().map(Text::as_str);
        let has = |value| expression.values.has(value);
        (key == Some("app") && has("istiod")) || (key == Some("istio") && has("pilot"))
    });
    label("app") == Some("istiod") || label("istio") == Some("pilot") || expressed
}

fn check_path(meta: &Meta, spec: &ServiceMonitor, sink: &mut Sink) {
    for path in spec.endpoints.iter().filter_map(|endpoint| endpoint.path.as_ref()) {
        if path.as_str().trim_end_matches('/') == "/stats/prometheus" {
            let message = "istiod serves its metrics under /metrics; /stats/prometheus is the path of the proxies.";
            sink.report(&PROXY_PATH, meta, path.span(), message)
                .label("answers 404 on istiod")
                .help("Write /metrics here, and scrape the proxies with a PodMonitor.")
                .replace(path.span(), "/metrics");
        }
    }
}

fn check_services(cx: &Context<'_>, monitor: &Object<ServiceMonitor>, sink: &mut Sink) {
    let (meta, spec) = (&monitor.meta, &monitor.spec);
    let Some(selector) = &spec.selector else { return };
    let candidates = candidates(cx, monitor);
    if candidates.is_empty() {
        sink.undecided("ServiceMonitors", "Services in their namespaces");
        return;
    }
    let selected: Vec<_> = candidates
        .into_iter()
        .filter(|service| label_selector::matches(Some(selector), &service.meta.labels))
        .collect();
    if selected.is_empty() && selects_istiod(spec) {
        // istiod comes with the installation, which is seldom a part of the input.
        sink.undecided("ServiceMonitors", "Services in their namespaces");
        return;
    }
    if selected.is_empty() {
        let message = "No Service of the input has the labels that this ServiceMonitor selects.";
        let first = selector.match_labels.iter().next().map(|(key, value)| key.span().start..value.span().end);
        let span =
            first.map_or(selector.place.span(), |range| crate::manifests::source::Span::new(range.start, range.end));
        sink.report(&NO_SERVICE, meta, span, message)
            .label("selects no Service")
            .help("The selector is for labels of the Service itself, in the monitor's namespace or those of namespaceSelector.");
        return;
    }
    for endpoint in &spec.endpoints {
        check_port(meta, endpoint, &selected, sink);
    }
}

fn check_port(meta: &Meta, endpoint: &Endpoint, selected: &[&Object<Service>], sink: &mut Sink) {
    let Some(port) = endpoint.port.as_ref().filter(|port| !port.as_str().is_empty()) else { return };
    let names: Vec<&str> = selected.iter().copied().flat_map(port_names).collect();
    if names.contains(&port.as_str()) {
        return;
    }
    let message = format!("No selected Service has a port with the name {}.", port.as_str());
    let finding = sink.report(&NO_PORT, meta, port.span(), message);
    finding.label("no such port");
    if names.is_empty() {
        finding.help("Give the Service's port a name, and write that here.");
    } else {
        finding.help(format!("The ports are named {}.", names.join(", ")));
    }
    for service in selected.iter().take(3) {
        finding.related(service.meta.file, service.meta.name_span(), "selected");
    }
}

fn port_names(service: &Object<Service>) -> impl Iterator<Item = &str> {
    let ports = service.spec.spec.iter().flat_map(|spec| spec.ports.iter());
    ports.map(|port| text_or_empty(port.name.as_ref())).filter(|name| !name.is_empty())
}

/// The Services of the namespaces that the monitor looks at.
fn candidates<'m>(cx: &Context<'m>, monitor: &Object<ServiceMonitor>) -> Vec<&'m Object<Service>> {
    let namespaces = monitor.spec.namespace_selector.as_ref();
    let anywhere = namespaces.and_then(|selector| selector.any.as_ref()).is_some_and(|any| any.value);
    let own = |service: &&Object<Service>| service.meta.cluster == monitor.meta.cluster;
    if anywhere {
        return cx.model().services.iter().filter(own).collect();
    }
    let names: Vec<&str> = match namespaces.filter(|selector| !selector.match_names.is_empty()) {
        Some(selector) => selector.match_names.iter().map(Text::as_str).collect(),
        None => vec![&*monitor.meta.namespace],
    };
    names.into_iter().flat_map(|namespace| cx.services_in(namespace).to_vec()).filter(own).collect()
}

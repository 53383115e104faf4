//! Validation of Sidecars: rules 50 to 53.

use std::collections::BTreeMap;

use super::shared::listeners::{UNIX, address_or_socket, bind, is_unix};
use super::shared::names::{fqdn, ip, unix_path};
use super::shared::ports::{Protocol, port, port_name, protocol};
use super::shared::scoped_hosts::sidecar_host;
use super::shared::selectors::not_empty;
use super::shared::{Report, Verdict, connection_pool, server_tls};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{
    CaptureMode, IstioEgressListener, IstioIngressListener, OutboundMode, OutboundTrafficPolicy, ServerTlsMode,
    ServerTlsSettings, Sidecar, SidecarPort,
};
use crate::manifests::source::Span;
use crate::schema::Text;

/// Validates Sidecars as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.Sidecar",
    summary: "Sidecars that Istio refuses or warns about: listeners, hosts, egress proxy",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for sidecar in &cx.sidecars {
        validate(&sidecar.spec, &mut Report::with_metadata(&sidecar.meta, sink));
    }
}

fn validate(sidecar: &Sidecar, report: &mut Report<'_>) {
    if let Some(selector) = &sidecar.workload_selector {
        not_empty(report, &selector.labels, selector.place, "the Sidecar");
    }
    if sidecar.egress.is_empty()
        && sidecar.ingress.is_empty()
        && sidecar.outbound_traffic_policy.is_none()
        && sidecar.inbound_connection_pool.is_none()
    {
        report
            .error(report.meta.name_span(), "the Sidecar sets nothing")
            .help("set one of `egress`, `ingress`, `outboundTrafficPolicy` and `inboundConnectionPool`");
    }
    connection_pool::check(report, sidecar.inbound_connection_pool.as_deref());
    let mut ports = BTreeMap::new();
    for listener in &sidecar.ingress {
        validate_ingress(listener, &mut ports, report);
    }
    validate_egress(&sidecar.egress, report);
    if let Some(policy) = &sidecar.outbound_traffic_policy {
        validate_outbound(policy, report);
    }
}

fn validate_ingress(listener: &IstioIngressListener, ports: &mut BTreeMap<i64, Span>, report: &mut Report<'_>) {
    bind(report, listener.bind.as_ref(), ip);
    report.text(listener.default_endpoint.as_ref().filter(|text| !text.as_str().is_empty()), default_endpoint);
    let Some(listens) = &listener.port else { return };
    validate_port(listens, report);
    match &listens.number {
        None => {
            report.error(listens.place.span(), "the port of an ingress listener needs a number");
        }
        Some(number) => {
            report.verdict(number.span(), port(number.value));
            unique(report, ports, number.value, number.span(), &format!("the port {}", number.value));
        }
    }
    if let Some(tls) = &listener.tls {
        validate_tls(tls, listens, report);
    }
    connection_pool::check(report, listener.connection_pool.as_deref());
    let http = listener.connection_pool.as_ref().and_then(|pool| pool.http.as_ref());
    let known = listens.protocol.as_ref().and_then(|text| Protocol::parse(text.as_str()));
    if let (Some(http), Some(known)) = (http, known)
        && !known.is_http()
    {
        let span = http.place.key_span("http");
        report.warning(span, "HTTP limits have no effect on a listener whose protocol is not HTTP; only `tcp` counts");
    }
}

fn validate_port(listens: &SidecarPort, report: &mut Report<'_>) {
    report.text(listens.name.as_ref().filter(|name| !name.as_str().is_empty()), port_name);
    report.text(listens.protocol.as_ref(), protocol);
    if let Some(target) = listens.target_port.filter(|target| target.value > 0) {
        report
            .error(target.span(), "`targetPort` has no effect in a Sidecar")
            .help("use `defaultEndpoint` of the listener");
    }
}

/// `127.0.0.1:PORT`, `0.0.0.0:PORT`, `[::1]:PORT`, `[::]:PORT`, `:PORT`, or a socket.
fn default_endpoint(text: &str) -> Verdict {
    if let Some(path) = text.strip_prefix(UNIX) {
        return unix_path(path);
    }
    let form = || {
        format!(
            "{text:?} is no endpoint of the workload: use 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix:///PATH"
        )
    };
    let (host, number) = text.rsplit_once(':').ok_or_else(form)?;
    if !["", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"].contains(&host) {
        return Err(form());
    }
    number.parse().map_err(|_| form()).and_then(port)
}

fn validate_tls(tls: &ServerTlsSettings, listens: &SidecarPort, report: &mut Report<'_>) {
    let text = |name: &'static str, field: &Option<Text>| {
        field.as_ref().filter(|text| !text.as_str().is_empty()).map(|text| (name, text.span()))
    };
    let refused = [
        tls.subject_alt_names.first().map(|first| ("subjectAltNames", first.span())),
        tls.https_redirect.filter(|redirect| redirect.value).map(|redirect| ("httpsRedirect", redirect.span())),
        text("credentialName", &tls.credential_name),
        tls.credential_names.first().map(|first| ("credentialNames", first.span())),
        tls.tls_certificates.first().map(|first| ("tlsCertificates", first.place.span())),
    ];
    for (field, span) in refused.into_iter().flatten() {
        report
            .error(span, format!("`{field}` is not supported in a Sidecar"))
            .help("use `serverCertificate`, `privateKey` and `caCertificates` with files of the proxy");
    }
    if matches!(server_tls::mode(tls), ServerTlsMode::IstioMutual | ServerTlsMode::AutoPassthrough) {
        let word = server_tls::mode(tls).word();
        report
            .error(server_tls::mode_span(tls), format!("the mode {word} is not possible in a Sidecar"))
            .help("mTLS within the mesh is set by PeerAuthentication; here use SIMPLE or MUTUAL");
    }
    let known = listens.protocol.as_ref().and_then(|text| Protocol::parse(text.as_str()));
    if !known.is_some_and(Protocol::is_tls) {
        let span = listens.protocol.as_ref().map_or(server_tls::key_span(tls), Text::span);
        report.error(span, "a listener with `tls` settings needs the protocol HTTPS or TLS");
    }
    server_tls::check(report, tls);
}

fn validate_egress(listeners: &[IstioEgressListener], report: &mut Report<'_>) {
    let mut ports = BTreeMap::new();
    let mut sockets = BTreeMap::new();
    for (at, listener) in listeners.iter().enumerate() {
        match &listener.port {
            None if at + 1 < listeners.len() => {
                let span = listener.hosts.place.map_or(listener.place.span(), |place| place.key_span("hosts"));
                report
                    .error(span, "a listener without a port takes everything, so it must be the last one")
                    .help("move it to the end of `egress`; one of them is possible");
            }
            None => {}
            Some(listens) => validate_egress_port(listener, listens, &mut ports, &mut sockets, report),
        }
        validate_hosts(listener, report);
    }
}

fn validate_egress_port<'l>(
    listener: &'l IstioEgressListener,
    listens: &SidecarPort,
    ports: &mut BTreeMap<i64, Span>,
    sockets: &mut BTreeMap<&'l str, Span>,
    report: &mut Report<'_>,
) {
    validate_port(listens, report);
    let number = listens.number.filter(|number| number.value != 0);
    if let Some(number) = number {
        report.verdict(number.span(), port(number.value));
        bind(report, listener.bind.as_ref(), ip);
        unique(report, ports, number.value, number.span(), &format!("the port {}", number.value));
        return;
    }
    let span = listens.number.as_ref().map_or(listens.place.span(), crate::schema::At::span);
    match &listener.bind {
        Some(socket) if is_unix(Some(socket)) => {
            report.verdict(socket.span(), address_or_socket(socket.as_str()));
            unique(report, sockets, socket.as_str(), socket.span(), &format!("the socket {}", socket.as_str()));
        }
        _ => {
            report.error(span, "a listener without a port number needs a `unix://` path in `bind`");
        }
    }
    if let Some(mode) = listener.capture_mode.filter(|mode| mode.value == CaptureMode::Iptables) {
        report.error(mode.span(), "packets cannot be redirected to a socket: use the capture mode DEFAULT or NONE");
    }
}

fn unique<K: Ord>(report: &mut Report<'_>, seen: &mut BTreeMap<K, Span>, key: K, span: Span, what: &str) {
    if let Some(first) = seen.get(&key) {
        let (file, first) = (report.meta.file, *first);
        report.error(span, format!("{what} is used by two listeners")).related(file, first, "first used here");
    } else {
        seen.insert(key, span);
    }
}

fn validate_hosts(listener: &IstioEgressListener, report: &mut Report<'_>) {
    if let Some(place) = listener.hosts.place
        && listener.hosts.is_empty()
    {
        report.error(place.span(), "an egress listener needs at least one host").help("`\"~/*\"` means none");
    }
    report.each(&listener.hosts, sidecar_host);
    let own = report.meta.namespace.clone();
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    let mut namespaces: BTreeMap<&str, (Span, bool)> = BTreeMap::new();
    for text in &listener.hosts {
        let Some((namespace, host)) = text.as_str().split_once('/') else { continue };
        if namespace.starts_with('~') {
            continue;
        }
        let namespace = if namespace == "." { &*own } else { namespace };
        let covering = seen
            .get(&(namespace, host))
            .or_else(|| seen.get(&(namespace, "*")))
            .copied()
            .or_else(|| namespaces.get(namespace).filter(|_| host == "*").map(|(span, _)| *span));
        if let Some(other) = covering {
            let file = report.meta.file;
            report
                .warning(
                    text.span(),
                    format!("the egress host {:?} is listed twice or covers another one", text.as_str()),
                )
                .related(file, other, "the other one");
        }
        seen.entry((namespace, host)).or_insert(text.span());
        namespaces.entry(namespace).or_insert((text.span(), host == "*"));
    }
    if let Some(everything) = seen.get(&("*", "*"))
        && let Some((_, (other, _))) = namespaces.iter().find(|(namespace, _)| **namespace != "*")
    {
        let file = report.meta.file;
        report.warning(*everything, "`*/*` already means every host, so the others have no effect").related(
            file,
            *other,
            "has no effect",
        );
    }
}

fn validate_outbound(policy: &OutboundTrafficPolicy, report: &mut Report<'_>) {
    let Some(proxy) = &policy.egress_proxy else { return };
    // The mode that is not written is REGISTRY_ONLY, the first one of the enumeration.
    if policy.mode.is_none_or(|mode| mode.value != OutboundMode::AllowAny) {
        let span = policy.mode.as_ref().map_or(proxy.place.span(), crate::schema::At::span);
        report.error(span, "an `egressProxy` needs the mode ALLOW_ANY");
        return;
    }
    report.text(proxy.host.as_ref(), fqdn);
    match &proxy.port {
        None => {
            let span = proxy.host.as_ref().map_or(proxy.place.span(), Text::span);
            report.error(span, "an `egressProxy` needs the port of its host");
        }
        Some(selector) => report.value(selector.number.as_ref(), port),
    }
}

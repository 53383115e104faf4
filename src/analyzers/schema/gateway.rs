//! Validation of Gateways: rules 37 to 42.

use std::collections::BTreeMap;

use super::shared::listeners::{address_or_socket, bind, is_unix};
use super::shared::names::is_dns_label;
use super::shared::ports::{Protocol, port};
use super::shared::scoped_hosts::gateway_host;
use super::shared::{Report, server_tls};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Port, Server, ServerTlsSettings};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::Text;

/// Validates Gateways as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.Gateway",
    summary: "Gateways that Istio refuses: names, hosts, ports, TLS settings",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

/// Annotation of Gateways that istiod makes from Gateway API objects; their names have dots.
const INTERNAL: &str = "internal.istio.io/gateway-semantics";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for gateway in &cx.gateways {
        validate(gateway, &mut Report::with_metadata(&gateway.meta, sink));
    }
}

fn validate(gateway: &Object<crate::dialects::istio::types::Gateway>, report: &mut Report<'_>) {
    let meta = &gateway.meta;
    if meta.annotations.get(INTERNAL).is_some() {
        return;
    }
    let name = meta.name().trim_end_matches('*').trim_end_matches('-');
    if !name.is_empty() && !is_dns_label(name) {
        report
            .error(meta.name_span(), format!("the name of a Gateway is a DNS label, and {name:?} is none"))
            .help("use letters, digits and `-`, without dots");
    }
    if gateway.spec.servers.is_empty() {
        let span = gateway.spec.servers.place.map_or(meta.name_span(), crate::manifests::source::Place::span);
        report.error(span, "a Gateway needs at least one server");
    }
    for server in &gateway.spec.servers {
        validate_server(server, report);
    }
    unique_names(&gateway.spec.servers, report);
}

fn validate_server(server: &Server, report: &mut Report<'_>) {
    if let Some(place) = server.hosts.place
        && server.hosts.is_empty()
    {
        report.error(place.span(), "a server needs at least one host").help("write `\"*\"` for all hosts");
    }
    report.each(&server.hosts, gateway_host);
    bind(report, server.bind.as_ref(), address_or_socket);
    if let Some(tls) = &server.tls {
        server_tls::check(report, tls);
    }
    let Some(port) = &server.port else { return };
    validate_port(port, server.bind.as_ref(), report);
    let Some(protocol) = &port.protocol else { return };
    let Some(known) = Protocol::parse(protocol.as_str()) else {
        let text = protocol.as_str();
        report
            .error(protocol.span(), format!("{text:?} is no protocol of a Gateway"))
            .help("use HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TCP, TLS, MONGO, REDIS or MYSQL");
        return;
    };
    tls_fits(known, protocol, server.tls.as_deref(), report);
}

fn validate_port(listener: &Port, bind: Option<&Text>, report: &mut Report<'_>) {
    if is_unix(bind) {
        if let Some(number) = listener.number.filter(|number| number.value != 0) {
            report.error(number.span(), "a server on a `unix://` path has the port number 0");
        }
    } else {
        report.value(listener.number.as_ref(), port);
    }
    if let Some(target) = listener.target_port.filter(|target| target.value > 0) {
        report
            .error(target.span(), "`targetPort` has no effect in a Gateway")
            .help("remove it; which pod port a Service port leads to is set in the gateway's Service");
    }
    if let Some(name) = listener.name.as_ref().filter(|name| name.as_str().is_empty()) {
        report.error(name.span(), "the port needs a name");
    }
}

/// TLS settings against the protocol of the port (rule 40).
fn tls_fits(known: Protocol, protocol: &Text, tls: Option<&ServerTlsSettings>, report: &mut Report<'_>) {
    let text = protocol.as_str();
    let Some(tls) = tls else {
        if known.is_tls() {
            report
                .error(protocol.span(), format!("a server with the protocol {text} needs `tls` settings"))
                .help("add `tls` with a mode and a certificate, or `mode: PASSTHROUGH` when the service ends TLS");
        }
        return;
    };
    let redirects = tls.https_redirect.is_some_and(|redirect| redirect.value);
    if redirects && !known.is_http() {
        let span = tls.https_redirect.as_ref().map_or(protocol.span(), crate::schema::At::span);
        report
            .warning(span, "`httpsRedirect` only has an effect on plain HTTP servers")
            .help("put it on the HTTP server of the same hosts, usually port 80");
    }
    if known.is_tls() {
        return;
    }
    if !known.is_http() {
        report
            .error(server_tls::key_span(tls), format!("a server with the protocol {text} cannot have `tls` settings"))
            .help("use the protocol TLS to accept TLS connections");
        return;
    }
    let file = |field: &Option<Text>| field.as_ref().filter(|text| !text.as_str().is_empty()).map(Text::span);
    let certificate = [&tls.ca_certificates, &tls.private_key, &tls.server_certificate].into_iter().find_map(file);
    let wrong: Option<Span> =
        if server_tls::passes_through(tls) { certificate } else { Some(server_tls::mode_span(tls)) };
    if let Some(span) = wrong {
        report
            .error(span, format!("a plain {text} server can only have `httpsRedirect` in its `tls` settings"))
            .help("use the protocol HTTPS to accept TLS connections");
    }
}

fn unique_names(servers: &[Server], report: &mut Report<'_>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in servers.iter().filter_map(|server| server.port.as_ref()?.name.as_ref()) {
        if let Some(first) = seen.get(name.as_str()) {
            let (file, first) = (report.meta.file, *first);
            report.error(name.span(), format!("the port name {:?} is used by two servers", name.as_str())).related(
                file,
                first,
                "first used here",
            );
        } else {
            seen.insert(name.as_str(), name.span());
        }
    }
}

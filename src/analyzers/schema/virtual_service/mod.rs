//! Validation of VirtualServices (rules 8 to 25): hosts, gateways, and through the other files every part of the routes.

mod actions;
mod headers;
mod http;
mod l4;
mod matches;
mod policies;
mod unreachable;

use std::collections::BTreeMap;

use super::shared::{Report, export_to, names};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::VirtualService;
use crate::dialects::object::Object;
use crate::schema::{List, Text};

/// Validates every VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.VirtualService",
    summary: "Values of VirtualServices that Istio refuses or warns about",
    codes: &[
        &SCHEMA_VALIDATION_ERROR,
        &SCHEMA_WARNING,
        &unreachable::UNREACHABLE_RULE,
        &unreachable::INEFFECTIVE_MATCH,
    ],
    run,
    default: true,
};

/// The name that means all sidecars.
const MESH: &str = "mesh";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.virtual_services {
        validate(object, &mut Report::with_metadata(&object.meta, sink));
    }
}

fn validate(object: &Object<VirtualService>, report: &mut Report<'_>) {
    let spec = &object.spec;
    let on_gateways_only = !spec.gateways.is_empty() && !spec.gateways.has(MESH);
    delegate(object, report);
    gateway_names(report, &spec.gateways);
    hosts(object, on_gateways_only, report);
    if spec.http.is_empty() && spec.tcp.is_empty() && spec.tls.is_empty() {
        report
            .error(object.meta.name_span(), "the VirtualService has no routes")
            .help("add at least one route under `http`, `tcp` or `tls`");
    }
    for route in &spec.http {
        http::validate(report, route, spec.hosts.is_empty(), on_gateways_only);
    }
    for route in &spec.tls {
        l4::tls(report, route, &spec.hosts, on_gateways_only);
    }
    for route in &spec.tcp {
        l4::tcp(report, route);
    }
    export_to::check(report, &spec.export_to, export_to::Exporter::Plain);
    unreachable::check(report, spec);
}

/// Rule 8: a VirtualService without hosts is there to be delegated to, and then only has HTTP routes.
fn delegate(object: &Object<VirtualService>, report: &mut Report<'_>) {
    let spec = &object.spec;
    if !spec.hosts.is_empty() {
        return;
    }
    let parts = [
        ("gateways", spec.gateways.place, spec.gateways.is_empty()),
        ("tls", spec.tls.place, spec.tls.is_empty()),
        ("tcp", spec.tcp.place, spec.tcp.is_empty()),
    ];
    for (name, place, is_empty) in parts {
        if let (Some(place), false) = (place, is_empty) {
            report
                .error(place.entry(), format!("a VirtualService without hosts is a delegate and takes no `{name}`"))
                .help("add `hosts`, or leave only `http` routes for another VirtualService to delegate to");
        }
    }
}

/// Rule 10: gateways are named `name` or `namespace/name`; the dotted form is old.
pub fn gateway_names(report: &mut Report<'_>, gateways: &List<Text>) {
    for gateway in gateways {
        let name = gateway.as_str();
        match name.split_once('/') {
            Some((namespace, name)) => {
                report.verdict(gateway.span(), names::dns_label("the gateway's namespace", namespace));
                report.verdict(gateway.span(), names::dns_label("the gateway's name", name));
            }
            None => {
                if report.verdict(gateway.span(), names::fqdn(name)).is_none()
                    && let Some((name, rest)) = name.split_once('.')
                {
                    let namespace = rest.split('.').next().unwrap_or_default();
                    report
                        .warning(gateway.span(), "the gateway is named in the old dotted form")
                        .help(format!("write `{namespace}/{name}`"));
                }
            }
        }
    }
}

/// Rule 9: hosts are DNS names, wildcards or addresses; `*` alone only on gateways; no host is covered by another.
fn hosts(object: &Object<VirtualService>, on_gateways_only: bool, report: &mut Report<'_>) {
    let spec = &object.spec;
    let sni = spec.tls.iter().flat_map(|route| &route.r#match).any(|m| !m.sni_hosts.is_empty());
    let mut valid = true;
    for host in &spec.hosts {
        let name = host.as_str();
        let verdict =
            if on_gateways_only { names::wildcard_host_on_gateway(sni, name) } else { names::wildcard_host(name) };
        if let Err(message) = verdict {
            if !names::is_ip(name) {
                report.error(host.span(), message);
                valid = false;
            }
        } else if name == "*" && spec.gateways.is_empty() {
            report
                .error(
                    host.span(),
                    "the host `*` would take all traffic of all sidecars and is only allowed on gateways",
                )
                .help("name the hosts, or list the gateways that the routes are for");
            valid = false;
        } else if name == "*" && !on_gateways_only {
            report.error(host.span(), "the host `*` is not allowed together with the gateway `mesh`");
            valid = false;
        }
    }
    if valid {
        overlapping_hosts(report, &spec.hosts);
    }
}

fn overlapping_hosts(report: &mut Report<'_>, hosts: &List<Text>) {
    let file = report.meta.file;
    let mut exact: BTreeMap<&str, &Text> = BTreeMap::new();
    let mut wild: Vec<&Text> = Vec::new();
    for host in hosts {
        let name = host.as_str();
        let covered =
            exact.get(name).copied().or_else(|| wild.iter().find(|w| names::overlap(name, w.as_str())).copied());
        let earlier = if name.starts_with('*') {
            wild.push(host);
            covered.or_else(|| exact.values().find(|e| names::is_within(e.as_str(), name)).copied())
        } else {
            exact.entry(name).or_insert(host);
            covered
        };
        if let Some(earlier) = earlier {
            let message = if earlier.as_str() == name {
                format!("the host {name:?} is listed twice")
            } else {
                format!("the hosts {:?} and {name:?} overlap", earlier.as_str())
            };
            report.error(host.span(), message).related(file, earlier.span(), "the other one");
        }
    }
}

//! Validation of ServiceEntries (rules 43 to 49). What the CRD's own rules refuse is a finding of the structure.

use super::shared::workload_entries::{self, Addresses};
use super::shared::{Report, export_to, names, ports, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Resolution, ServiceEntry, ServiceEntryLocation};
use crate::manifests::source::Span;
use crate::schema::Text;
use ports::Protocol;

/// Validates every ServiceEntry.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.ServiceEntry",
    summary: "Values of ServiceEntries that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

/// Label that sends traffic of the service through a waypoint.
const USE_WAYPOINT: &str = "istio.io/use-waypoint";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.service_entries {
        validate(&object.spec, &mut Report::with_metadata(&object.meta, sink));
    }
}

fn validate(spec: &ServiceEntry, report: &mut Report<'_>) {
    let resolution = spec.resolution.as_ref().map_or(Resolution::None, |r| r.value);
    hosts(report, spec, resolution);
    report.each(&spec.addresses, names::subnet);
    for port in &spec.ports {
        report.text(port.name.as_ref(), ports::port_name);
        report.text(port.protocol.as_ref(), ports::protocol);
    }
    if let Some(selector) = &spec.workload_selector {
        selectors::not_empty(report, &selector.labels, selector.place, "the ServiceEntry");
        if resolution == Resolution::None {
            report
                .warning(
                    selector.place.entry(),
                    "with the resolution NONE (the default) the selected workloads are not used",
                )
                .help("set `resolution: STATIC`");
        }
    }
    endpoints(report, spec, resolution);
    if resolution == Resolution::DynamicDns {
        dynamic_dns(report, spec);
    }
    several_hosts(report, spec, resolution);
    export_to::check(report, &spec.export_to, export_to::Exporter::ServiceEntry);
}

/// Rule 43, and of rule 47 that DNS needs names that can be looked up.
fn hosts(report: &mut Report<'_>, spec: &ServiceEntry, resolution: Resolution) {
    let looked_up = matches!(resolution, Resolution::Dns | Resolution::DnsRoundRobin) && spec.endpoints.is_empty();
    for host in spec.hosts.iter().filter(|host| host.as_str() != "*") {
        let name = host.as_str();
        if report.verdict(host.span(), names::wildcard_host(name)).is_some() {
            continue;
        }
        if looked_up && name.starts_with('*') {
            report
                .error(host.span(), format!("DNS cannot look up the wildcard {name:?}"))
                .help("list `endpoints`, or use the resolution NONE or DYNAMIC_DNS");
        } else if name.starts_with('*') && !name.starts_with("*.") && resolution != Resolution::DynamicDns {
            report
                .warning(
                    host.span(),
                    format!("{name:?} is a wildcard within a label, which few proxies match as meant"),
                )
                .help("let the wildcard stand for whole labels: `*.example.com`");
        }
    }
}

/// Rules 46 and 47: what endpoints the resolution takes.
fn endpoints(report: &mut Report<'_>, spec: &ServiceEntry, resolution: Resolution) {
    let addresses = match resolution {
        Resolution::Static => Addresses::Ip,
        Resolution::Dns | Resolution::DnsRoundRobin => Addresses::IpOrName,
        Resolution::None | Resolution::DynamicDns => return,
    };
    let names: Vec<&str> = spec.ports.iter().filter_map(|port| port.name.as_ref()).map(Text::as_str).collect();
    for endpoint in &spec.endpoints {
        workload_entries::check(report, endpoint, Some(&names), addresses);
    }
}

/// Rule 48.
fn dynamic_dns(report: &mut Report<'_>, spec: &ServiceEntry) {
    for host in spec.hosts.iter().filter(|host| !host.as_str().starts_with('*')) {
        report
            .error(host.span(), format!("the resolution DYNAMIC_DNS is for wildcard hosts, not {:?}", host.as_str()))
            .help("use the resolution DNS for a single host");
    }
    let excluded = [("addresses", spec.addresses.place), ("endpoints", spec.endpoints.place)];
    for (name, place) in excluded {
        if let Some(place) = place {
            report.error(
                place.entry(),
                format!("the resolution DYNAMIC_DNS takes no `{name}`: the address comes from the request's host"),
            );
        }
    }
    for port in &spec.ports {
        let known = port.protocol.as_ref().and_then(|p| Protocol::parse(p.as_str()));
        if !matches!(known, Some(Protocol::Http | Protocol::Http2 | Protocol::Grpc | Protocol::Tls)) {
            let span = port.protocol.as_ref().map_or(port.place.span(), crate::schema::values::At::span);
            report.error(span, "the resolution DYNAMIC_DNS only works with the protocols HTTP, HTTP2, GRPC and TLS");
        }
    }
    let waypoint = report.meta.labels.text(USE_WAYPOINT).is_some_and(|name| !name.is_empty() && name != "none");
    if let Some(location) = spec.location.as_ref().filter(|l| l.value == ServiceEntryLocation::MeshInternal)
        && waypoint
    {
        report.error(location.span(), "behind a waypoint the resolution DYNAMIC_DNS needs the location MESH_EXTERNAL");
    }
}

/// Rule 49: several hosts can only be told apart by HTTP and TLS. (TCP without addresses is IST0134.)
fn several_hosts(report: &mut Report<'_>, spec: &ServiceEntry, resolution: Resolution) {
    if spec.hosts.len() < 2 || resolution == Resolution::None {
        return;
    }
    let protocol = |text: Option<&Text>| text.and_then(|p| Protocol::parse(p.as_str()));
    let blind =
        spec.ports.iter().find(|port| !protocol(port.protocol.as_ref()).is_some_and(|p| p.is_http() || p.is_tls()));
    if let Some(port) = blind {
        let span = port.protocol.as_ref().map_or(port.place.span(), crate::schema::values::At::span);
        report
            .error(span, "the hosts cannot be told apart on this port: only HTTP and TLS carry the host's name")
            .help("make one ServiceEntry per host, each with its own address");
        return;
    }
    let by_address = spec.ports.iter().find_map(|port| {
        protocol(port.protocol.as_ref()).filter(|p| p.is_tcp())?;
        port.protocol.as_ref().map(crate::schema::values::At::span)
    });
    let dns = matches!(resolution, Resolution::Dns | Resolution::DnsRoundRobin);
    if let (Some(span), true, false) = (by_address, dns, spec.addresses.is_empty()) {
        shared_address(report, span);
    }
}

fn shared_address(report: &mut Report<'_>, span: Span) {
    report
        .warning(span, "several hosts share the addresses on a port that is routed by address")
        .help("make one ServiceEntry per host");
}

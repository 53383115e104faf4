//! TLS and TCP routes (rule 24).

use super::http::{destination, total_weight};
use crate::analyzers::schema::shared::{Report, labels, names, ports};
use crate::dialects::istio::types::{RouteDestination, TcpRoute, TlsRoute};
use crate::schema::{Int, List, Map, Text};

/// Validates one TLS route. `hosts` are those of its VirtualService.
pub fn tls(report: &mut Report<'_>, route: &TlsRoute, hosts: &List<Text>, on_gateways_only: bool) {
    if let (true, Some(place)) = (route.r#match.is_empty(), route.r#match.place) {
        report.error(place.entry(), "a TLS route needs at least one condition with `sniHosts`");
    }
    for condition in &route.r#match {
        if let (true, Some(place)) = (condition.sni_hosts.is_empty(), condition.sni_hosts.place) {
            report.error(place.entry(), "a TLS condition needs at least one server name");
        }
        for sni in &condition.sni_hosts {
            server_name(report, sni, hosts, on_gateways_only);
        }
        common(
            report,
            (&condition.destination_subnets, condition.port.as_ref(), &condition.source_labels),
            &condition.gateways,
        );
    }
    targets(report, &route.route, route.place.span());
}

/// A server name is one of the hosts, or covered by one.
fn server_name(report: &mut Report<'_>, sni: &Text, hosts: &List<Text>, on_gateways_only: bool) {
    let name = sni.as_str();
    let verdict =
        if on_gateways_only { names::wildcard_host_on_gateway(true, name) } else { names::wildcard_host(name) };
    if let Err(message) = verdict {
        if names::is_ip(name) {
            report.warning(sni.span(), format!("clients do not send the address {name:?} as a server name"));
        } else {
            report.error(sni.span(), message);
        }
        return;
    }
    if !hosts.iter().any(|host| names::is_within(name, host.as_str())) {
        let list: Vec<&str> = hosts.iter().map(Text::as_str).collect();
        report
            .error(
                sni.span(),
                format!("the server name {name:?} is none of the VirtualService's hosts ({})", list.join(", ")),
            )
            .help("add it to `hosts`, or name one of the hosts here");
    }
}

/// Validates one TCP route.
pub fn tcp(report: &mut Report<'_>, route: &TcpRoute) {
    for condition in &route.r#match {
        common(
            report,
            (&condition.destination_subnets, condition.port.as_ref(), &condition.source_labels),
            &condition.gateways,
        );
    }
    targets(report, &route.route, route.place.span());
}

/// What TLS and TCP conditions have in common.
fn common(
    report: &mut Report<'_>,
    (subnets, port, source_labels): (&List<Text>, Option<&Int>, &Map<Text>),
    gateways: &List<Text>,
) {
    report.each(subnets, names::subnet);
    report.value(port.filter(|port| port.value != 0), ports::port);
    labels::check(report, source_labels);
    super::gateway_names(report, gateways);
}

fn targets(report: &mut Report<'_>, targets: &List<RouteDestination>, span: crate::manifests::source::Span) {
    if targets.is_empty() {
        report
            .error(targets.place.map_or(span, crate::manifests::source::Place::entry), "the route has no targets")
            .help("add `route`");
    }
    for target in targets {
        if let Some(target) = &target.destination {
            destination(report, target);
        }
    }
    total_weight(
        report,
        targets.iter().map(|t| t.weight.as_ref()),
        targets.place.map_or(span, crate::manifests::source::Place::entry),
    );
}

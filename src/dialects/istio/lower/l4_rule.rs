//! TLS and TCP routes of a VirtualService. TLS routes come first: their conditions are narrower.

use super::context::Context;
use super::http_rule::{Holds, destination};
use crate::dialects::istio::types::{RouteDestination, VirtualService};
use crate::ir::{ClientMatch, HostPattern, L4Match, L4Rule, L4Target, Name, Predicate};
use crate::manifests::source::Place;
use crate::schema::{Int, List, Map, Text};

/// The rules that hold at a gateway.
pub fn rules(cx: &Context<'_>, spec: &VirtualService, holds: &Holds<'_>) -> Vec<L4Rule> {
    let mut rules = Vec::new();
    for (at, route) in spec.tls.iter().enumerate() {
        let path = format!("spec.tls[{at}]");
        let here = route.r#match.iter().enumerate().filter(|(_, condition)| holds(&condition.gateways));
        let matches: Vec<L4Match> = here
            .map(|(at, condition)| L4Match {
                server_names: condition.sni_hosts.iter().map(|name| HostPattern(name.as_str().into())).collect(),
                ..l4_match(
                    cx,
                    format!("{path}.match[{at}]"),
                    condition.sni_hosts.place,
                    &condition.destination_subnets,
                    condition.port.as_ref(),
                    (&condition.source_labels, condition.source_namespace.as_ref()),
                )
            })
            // Without a server name it would hold for every connection.
            .filter(|condition| !condition.server_names.is_empty())
            .collect();
        if !matches.is_empty() {
            rules.push(rule(cx, &path, route.r#match.place, matches, &route.route));
        }
    }
    for (at, route) in spec.tcp.iter().enumerate() {
        let path = format!("spec.tcp[{at}]");
        let here = route.r#match.iter().enumerate().filter(|(_, condition)| holds(&condition.gateways));
        let matches: Vec<L4Match> = here
            .map(|(at, condition)| {
                l4_match(
                    cx,
                    format!("{path}.match[{at}]"),
                    route.r#match.place,
                    &condition.destination_subnets,
                    condition.port.as_ref(),
                    (&condition.source_labels, condition.source_namespace.as_ref()),
                )
            })
            .collect();
        if !matches.is_empty() || (route.r#match.is_empty() && holds(&List::default())) {
            rules.push(rule(cx, &path, route.route.place, matches, &route.route));
        }
    }
    rules
}

fn l4_match(
    cx: &Context<'_>,
    path: String,
    place: Option<Place>,
    subnets: &List<Text>,
    port: Option<&Int>,
    (labels, namespace): (&Map<Text>, Option<&Text>),
) -> L4Match {
    L4Match {
        origin: cx.at(path, place.unwrap_or_default()),
        server_names: Vec::new(),
        destinations: subnets.iter().filter_map(|text| network(text.as_str())).collect(),
        port: port.and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0),
        client: ClientMatch {
            namespace: namespace.map(|namespace| namespace.as_str().into()),
            labels: Predicate::labels(labels.pairs()),
        },
    }
}

/// A network, or a single address.
pub fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}

fn rule(
    cx: &Context<'_>,
    path: &str,
    place: Option<Place>,
    matches: Vec<L4Match>,
    targets: &List<RouteDestination>,
) -> L4Rule {
    let only = targets.len() == 1;
    let of_target = |(at, target): (usize, &RouteDestination)| L4Target {
        origin: cx.at(format!("{path}.route[{at}]"), targets.place.unwrap_or_default()),
        weight: match &target.weight {
            _ if only => 1,
            Some(weight) => u32::try_from(weight.value).unwrap_or(0),
            None => 0,
        },
        destination: target.destination.as_ref().and_then(|named| destination(cx, named)),
    };
    L4Rule {
        origin: cx.at(path, place.unwrap_or_default()),
        name: Name::default(),
        matches,
        targets: targets.iter().enumerate().map(of_target).collect(),
    }
}

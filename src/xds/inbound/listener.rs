//! `virtualInbound`, and the listeners with an address of their own.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{Address, TrafficDirection};
use envoy_types::pb::envoy::config::listener::v3::{
    AdditionalAddress, FilterChain, FilterChainMatch, Listener, ListenerFilter, ListenerFilterChainMatchPredicate,
    listener_filter_chain_match_predicate::{MatchSet, Rule},
};
use envoy_types::pb::envoy::extensions::filters::listener::{
    http_inspector::v3::HttpInspector, original_dst::v3::OriginalDst, tls_inspector::v3::TlsInspector,
};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use envoy_types::pb::envoy::r#type::v3::Int32Range;

use super::chains::{self, Case};
use super::filters;
use super::ports::Port;
use super::tls::Within;
use crate::ir::{MutualTlsMode, Origin, Protocol};
use crate::xds::gateway;
use crate::xds::outbound::{listener_filter, tcp_filter, tcp_proxy};
use crate::xds::proto::{any, duration, number, socket};
use crate::xds::{Interception, Kind, Resource, Snapshot, View};

/// Port of the listener for redirected inbound connections.
const INBOUND: u16 = 15006;
/// How long first bytes are waited for when the mesh sets no time. A server that speaks first, on a port where that is not
/// known, is made to wait so long.
const DETECTION: Duration = Duration::from_secs(1);

/// All listeners of the inbound side.
pub fn build(view: &View<'_>, ports: &[Port], out: &mut Snapshot) {
    let (own, caught): (Vec<&Port>, Vec<&Port>) = ports.iter().partition(|port| has_own_address(port));
    insert(&virtual_inbound(view, &caught), origins(view, &caught), out);
    for port in own {
        insert(&at_own_address(view, port), origins(view, &[port]), out);
    }
}

fn insert(listener: &Listener, origins: Vec<Origin>, out: &mut Snapshot) {
    out.insert(Kind::Listener, Resource::new(listener.name.clone(), listener, origins));
}

fn has_own_address(port: &Port) -> bool {
    port.bind.as_ref().and_then(|bind| bind.parse::<std::net::IpAddr>().ok()).is_some_and(|ip| !ip.is_unspecified())
}

fn origins(view: &View<'_>, ports: &[&Port]) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    for port in ports {
        let (_, policy) = view.mesh.mutual_tls_of(view.workload(), port.number);
        let all = policy.iter().map(|policy| &policy.origin).chain(&port.origins);
        for origin in all {
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
    }
    origins
}

fn virtual_inbound(view: &View<'_>, ports: &[&Port]) -> Listener {
    let mut chains = vec![own_port(view)];
    chains.extend(catch_all(view));
    for port in ports {
        chains.extend(of_port(view, port));
    }
    let (address, additional_addresses, mut filters) = match &view.node.interception {
        Interception::Redirect => {
            let original = listener_filter("envoy.filters.listener.original_dst", any(&OriginalDst::default()));
            (socket("0.0.0.0", INBOUND), Vec::new(), vec![original])
        }
        Interception::Explicit { .. } => {
            let ip = view.node.addresses.first().map_or_else(|| "0.0.0.0".to_owned(), ToString::to_string);
            let further = ports.iter().map(|port| additional(socket(ip.clone(), port.number))).collect();
            (socket(ip, INBOUND), further, Vec::new())
        }
    };
    filters.extend(inspectors(view, ports));
    let mut listener = base(view, "virtualInbound".to_owned(), address);
    listener.filter_chains = chains;
    listener.listener_filters = filters;
    listener.additional_addresses = additional_addresses;
    listener
}

fn at_own_address(view: &View<'_>, port: &Port) -> Listener {
    let ip = port.bind.as_deref().unwrap_or("0.0.0.0");
    let mut listener = base(view, format!("{ip}_{}", port.number), socket(ip, port.number));
    listener.filter_chains = of_port(view, port);
    listener.listener_filters = inspectors(view, &[port]);
    listener
}

fn base(view: &View<'_>, name: String, address: Address) -> Listener {
    let wanted = view.mesh.settings.detection_timeout;
    let wait = if wanted.is_zero() { DETECTION } else { wanted };
    Listener {
        name,
        address: Some(address),
        traffic_direction: TrafficDirection::Inbound.into(),
        listener_filters_timeout: Some(duration(wait)),
        // A connection that says nothing is taken for plain: where only mutual TLS is accepted, no chain takes it.
        continue_on_listener_filters_timeout: true,
        ..Listener::default()
    }
}

fn additional(address: Address) -> AdditionalAddress {
    AdditionalAddress { address: Some(address), ..AdditionalAddress::default() }
}

/// The inspectors, switched off for ports where nothing depends on them: a server that speaks first need not wait there.
fn inspectors(view: &View<'_>, ports: &[&Port]) -> Vec<ListenerFilter> {
    let mode = |port: &Port| view.mesh.mutual_tls_of(view.workload(), port.number).0;
    let without = |needs: &dyn Fn(&Port) -> bool| -> Vec<u16> {
        ports.iter().filter(|port| !needs(port)).map(|port| port.number).collect()
    };
    let knows_no_tls = |port: &Port| {
        mode(port) == MutualTlsMode::Off
            && port.tls.is_none()
            && !port.protocol.is_tls()
            && !port.protocol.is_detected()
    };
    let tls = without(&|port| !knows_no_tls(port));
    let http = without(&|port| port.protocol.is_detected() && mode(port) != MutualTlsMode::Strict);
    let mut tls_filter = listener_filter("envoy.filters.listener.tls_inspector", any(&TlsInspector::default()));
    tls_filter.filter_disabled = at_ports(&tls);
    let mut http_filter = listener_filter("envoy.filters.listener.http_inspector", any(&HttpInspector::default()));
    http_filter.filter_disabled = at_ports(&http);
    vec![tls_filter, http_filter]
}

fn at_ports(ports: &[u16]) -> Option<ListenerFilterChainMatchPredicate> {
    let one = |port: &u16| {
        let range = Int32Range { start: i32::from(*port), end: i32::from(*port) + 1 };
        ListenerFilterChainMatchPredicate { rule: Some(Rule::DestinationPortRange(range)) }
    };
    match ports {
        [] => None,
        [port] => Some(one(port)),
        many => Some(ListenerFilterChainMatchPredicate {
            rule: Some(Rule::OrMatch(MatchSet { rules: many.iter().map(one).collect() })),
        }),
    }
}

/// A connection that was on its way to the listener's own port would come back for ever.
fn own_port(view: &View<'_>) -> FilterChain {
    let black_hole = "BlackHoleCluster".to_owned();
    let proxy = tcp_proxy(view, &black_hole.clone(), ClusterSpecifier::Cluster(black_hole));
    FilterChain {
        name: "virtualInbound-blackhole".into(),
        filter_chain_match: Some(FilterChainMatch {
            destination_port: Some(number(INBOUND.into())),
            ..FilterChainMatch::default()
        }),
        filters: vec![tcp_filter(&proxy)],
        ..FilterChain::default()
    }
}

/// Chains for ports that no service has: the workload's mode counts there, too.
fn catch_all(view: &View<'_>) -> Vec<FilterChain> {
    // No port has the number 0, so this is what holds without settings of a port.
    let (mode, _) = view.mesh.mutual_tls_of(view.workload(), 0);
    let named = |case: &Case| match case.within {
        Within::Http => "virtualInbound-catchall-http".to_owned(),
        Within::Bytes => "virtualInbound".to_owned(),
    };
    let of_case = |case: &Case| chains::chain(view, named(case), None, case, filters::of(view, None, case.within));
    let mut all: Vec<FilterChain> = chains::cases(mode, Protocol::Detect).iter().map(of_case).collect();
    all.extend(exceptions(view, mode));
    all
}

/// Ports that no service has, for which the mutual TLS is set on its own.
fn exceptions(view: &View<'_>, usual: MutualTlsMode) -> Vec<FilterChain> {
    let named = view.mesh.mutual_tls.iter().filter(|policy| policy.scope.includes(view.workload()));
    let known = super::ports::ports(view);
    let mut numbers: Vec<u16> = named.flat_map(|policy| policy.ports.keys().copied()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.retain(|number| known.iter().all(|port| port.number != *number));
    let mut all = Vec::new();
    for number in numbers {
        let (mode, _) = view.mesh.mutual_tls_of(view.workload(), number);
        if mode == usual {
            continue;
        }
        for case in chains::cases(mode, Protocol::Detect) {
            let filters = filters::of(view, None, case.within);
            all.push(chains::chain(view, format!("0.0.0.0_{number}"), Some(number), &case, filters));
        }
    }
    all
}

fn of_port(view: &View<'_>, port: &Port) -> Vec<FilterChain> {
    let (mode, _) = view.mesh.mutual_tls_of(view.workload(), port.number);
    let name = format!("0.0.0.0_{}", port.number);
    // TLS of the port's own stands where the mesh's does not; nothing plain comes in beside it.
    if let (MutualTlsMode::Off, Some(tls)) = (mode, &port.tls) {
        let is_http = port.protocol.is_http() || port.protocol == Protocol::Https;
        let within = if is_http { Within::Http } else { Within::Bytes };
        let socket = gateway::server(view, tls, within);
        return vec![chains::own(name, port.number, socket, filters::of(view, Some(port), within))];
    }
    let of_case = |case: &Case| {
        chains::chain(view, name.clone(), Some(port.number), case, filters::of(view, Some(port), case.within))
    };
    chains::cases(mode, port.protocol).iter().map(of_case).collect()
}

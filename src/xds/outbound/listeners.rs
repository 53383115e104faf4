//! Listeners of the outbound side: one an address and port of a service, and the one that redirected connections come to.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, filter, listener_filter,
};
use envoy_types::pb::envoy::extensions::filters::listener::{
    http_inspector::v3::HttpInspector, original_dst::v3::OriginalDst, proxy_protocol::v3::ProxyProtocol,
    tls_inspector::v3::TlsInspector,
};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::{TcpProxy, tcp_proxy::ClusterSpecifier};
use envoy_types::pb::google::protobuf::Any;

use super::super::hcm::{self, Routes};
use super::super::proto::{any, boolean, cidr, duration, number, socket};
use super::super::{Interception, Kind, Resource, Snapshot, View, access_log};
use super::{cluster_name, l4, ports, routes};
use crate::ir::{Origin, OutboundPolicy, Protocol, Service, ServiceAddress, ServicePort};

/// Port of the listener for redirected outbound connections.
const OUTBOUND: u16 = 15001;
/// How long first bytes are waited for, when the mesh sets no time: a server that speaks first must not be made to wait long.
const DETECTION: Duration = Duration::from_millis(100);

/// The listeners of a service that has addresses.
pub fn of_service(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    for port in ports(service) {
        for address in &service.addresses {
            let listener = of_address(view, service, port, address);
            let origins = vec![service.origin.clone(), port.origin.clone()];
            out.insert(Kind::Listener, Resource::new(listener.name.clone(), &listener, origins));
        }
    }
}

fn of_address(view: &View<'_>, service: &Service, port: &ServicePort, address: &ServiceAddress) -> Listener {
    let (ip, network) = match address {
        ServiceAddress::Ip(ip) => (ip.to_string(), None),
        ServiceAddress::Network(network) => (network.network().to_string(), Some(*network)),
    };
    let name = match network {
        Some(network) => format!("{}_{}_{}", network.network(), network.prefix_len(), port.number),
        None => format!("{ip}_{}", port.number),
    };
    let http = || http_chain(view, &name, routes::name(service, port.number));
    let (mut chains, default) = match port.protocol {
        protocol if protocol.is_http() => (Vec::new(), Some(http())),
        protocol if protocol.is_detected() => (detected(http()), Some(l4::chain(view, service, port))),
        _ => (l4::chains(view, service, port), Some(l4::chain(view, service, port))),
    };
    if let Some(network) = network {
        for chain in &mut chains {
            chain.filter_chain_match.get_or_insert_default().prefix_ranges = vec![cidr(network)];
        }
    }
    let needs_names = chains
        .iter()
        .any(|chain| chain.filter_chain_match.as_ref().is_some_and(|condition| !condition.server_names.is_empty()));
    let mut filters = Vec::new();
    if port.protocol.is_detected() || needs_names {
        filters.push(listener_filter("envoy.filters.listener.tls_inspector", any(&TlsInspector::default())));
    }
    if port.protocol.is_detected() {
        filters.push(listener_filter("envoy.filters.listener.http_inspector", any(&HttpInspector::default())));
    }
    let waits = !filters.is_empty();
    Listener {
        name,
        address: Some(socket(ip, port.number)),
        filter_chains: chains,
        default_filter_chain: default,
        listener_filters: filters,
        listener_filters_timeout: waits.then(|| duration(detection(view))),
        continue_on_listener_filters_timeout: waits,
        traffic_direction: TrafficDirection::Outbound.into(),
        // Connections come by way of the listener for redirected ones.
        bind_to_port: Some(boolean(false)),
        ..Listener::default()
    }
}

fn detection(view: &View<'_>) -> Duration {
    let wanted = view.mesh.settings.detection_timeout;
    if wanted.is_zero() { DETECTION } else { wanted }
}

/// HTTP/1 and HTTP/2 without TLS, as the inspector sees them.
fn detected(http: FilterChain) -> Vec<FilterChain> {
    let condition = FilterChainMatch {
        transport_protocol: "raw_buffer".into(),
        application_protocols: ["http/1.1", "h2c"].map(Into::into).to_vec(),
        ..FilterChainMatch::default()
    };
    vec![FilterChain { filter_chain_match: Some(condition), ..http }]
}

/// A chain with a connection manager.
pub fn http_chain(view: &View<'_>, stat_prefix: &str, route: String) -> FilterChain {
    let manager = hcm::manager(view, &format!("outbound_{stat_prefix}"), Routes::Named(route), Vec::new());
    FilterChain { filters: vec![hcm::filter(&manager)], ..FilterChain::default() }
}

/// A listener filter of a name.
pub fn listener_filter(name: &str, config: Any) -> ListenerFilter {
    ListenerFilter {
        name: name.to_owned(),
        config_type: Some(listener_filter::ConfigType::TypedConfig(config)),
        ..ListenerFilter::default()
    }
}

/// The bytes of a connection go to a cluster.
pub fn tcp_proxy(view: &View<'_>, stat_prefix: &str, cluster: ClusterSpecifier) -> TcpProxy {
    TcpProxy {
        stat_prefix: stat_prefix.to_owned(),
        cluster_specifier: Some(cluster),
        access_log: access_log::of(view),
        ..TcpProxy::default()
    }
}

/// A TCP proxy as a network filter.
pub fn tcp_filter(proxy: &TcpProxy) -> Filter {
    Filter {
        name: "envoy.filters.network.tcp_proxy".into(),
        config_type: Some(filter::ConfigType::TypedConfig(any(proxy))),
    }
}

/// Where connections to unknown addresses go.
fn fallback(view: &View<'_>) -> String {
    match view.outbound_policy() {
        OutboundPolicy::Allow => "PassthroughCluster".to_owned(),
        OutboundPolicy::Deny => "BlackHoleCluster".to_owned(),
        OutboundPolicy::Proxy(host, port, subset) => cluster_name(*port, subset.as_deref(), host),
    }
}

/// `virtualOutbound`: it finds the listener of the address that a connection was on its way to; what has none goes on, or
/// does not, as the outbound policy says.
pub fn outbound(view: &View<'_>, out: &mut Snapshot) {
    let to = |name: &str, cluster: String| FilterChain {
        name: name.to_owned(),
        filters: vec![tcp_filter(&tcp_proxy(view, &cluster.clone(), ClusterSpecifier::Cluster(cluster)))],
        ..FilterChain::default()
    };
    // A connection that was on its way to this very port would come back for ever.
    let own_port = FilterChainMatch { destination_port: Some(number(OUTBOUND.into())), ..FilterChainMatch::default() };
    let blocked = FilterChain {
        filter_chain_match: Some(own_port),
        ..to("virtualOutbound-blackhole", "BlackHoleCluster".to_owned())
    };
    let original = listener_filter("envoy.filters.listener.original_dst", any(&OriginalDst::default()));
    let (address, filters) = match &view.node.interception {
        Interception::Redirect => (socket("0.0.0.0", OUTBOUND), vec![original]),
        Interception::Explicit { outbound, .. } => {
            let named = listener_filter("envoy.filters.listener.proxy_protocol", any(&ProxyProtocol::default()));
            (socket(outbound.ip().to_string(), outbound.port()), vec![named])
        }
    };
    let listener = Listener {
        name: "virtualOutbound".into(),
        address: Some(address),
        filter_chains: vec![blocked, to("virtualOutbound-catchall-tcp", fallback(view))],
        listener_filters: filters,
        use_original_dst: Some(boolean(true)),
        traffic_direction: TrafficDirection::Outbound.into(),
        ..Listener::default()
    };
    out.insert(Kind::Listener, Resource::new(listener.name.clone(), &listener, Vec::<Origin>::new()));
}

/// True for ports whose requests are told apart by their host.
pub fn is_http(protocol: Protocol) -> bool {
    protocol.is_http() || protocol.is_detected()
}

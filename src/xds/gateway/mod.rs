//! Gateways: listeners by port, server names and hosts.

mod hosts;
mod l4;
mod ports;
#[cfg(test)]
mod tests;
mod tls;

pub use self::tls::{secrets, server};

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::core::v3::{TrafficDirection, TransportSocket};
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, FilterChainMatch, Listener};
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, SetCurrentClientCertDetails,
};

use self::ports::{Role, Served};
use super::authz::{self, Target};
use super::hcm::{self, Routes};
use super::inbound::Within;
use super::outbound::{self, listener_filter};
use super::proto::{any, boolean, of_origin, socket};
use super::{Kind, Resource, Snapshot, View, jwt};
use crate::ir::{HostPattern, Origin};

/// Everything of a gateway's proxy that is not a service's own.
pub fn build(view: &View<'_>, out: &mut Snapshot) {
    outbound::fallbacks(view, out);
    jwt::clusters(view, out);
    let ports = ports::ports(view);
    for ((address, port), served) in &ports {
        let name = format!("{address}_{port}");
        let mut made = Port { view, number: *port, used: BTreeSet::new(), chains: Vec::new(), default: None };
        made.plain(served, out);
        for one in served {
            match one.role() {
                Role::Plain => {}
                Role::Secure => made.secure(one, served, out),
                Role::Passed | Role::Ended | Role::Bytes => made.bytes(one),
            }
        }
        let origins: Vec<Origin> = served.iter().map(|one| one.listener.origin.clone()).collect();
        if let Some(listener) = made.listener(name.clone(), address) {
            out.insert(Kind::Listener, Resource::new(name, &listener, origins));
        }
    }
    let all = ports.values().flatten().filter_map(|one| one.listener.tls.as_deref());
    tls::secrets(view, all, out);
}

/// A port while its chains are collected.
struct Port<'v> {
    view: &'v View<'v>,
    number: u16,
    /// Server names that have a chain: Envoy refuses a second one, and the first counts.
    used: BTreeSet<String>,
    chains: Vec<FilterChain>,
    default: Option<FilterChain>,
}

impl Port<'_> {
    /// Requests without TLS: all listeners share one route configuration.
    fn plain(&mut self, all: &[Served<'_>], out: &mut Snapshot) {
        let own: Vec<Served<'_>> = all.iter().copied().filter(|one| one.role() == Role::Plain).collect();
        if own.is_empty() {
            return;
        }
        let name = format!("http.{}", self.number);
        let (configuration, origins) = hosts::configuration(self.view, name.clone(), self.number, &own, all);
        out.insert(Kind::Route, Resource::new(name.clone(), &configuration, origins));
        self.default = Some(FilterChain { filters: self.http(name), ..FilterChain::default() });
    }

    /// Requests within TLS: each listener by its server names.
    fn secure(&mut self, one: &Served<'_>, all: &[Served<'_>], out: &mut Snapshot) {
        let key = &one.gateway.key;
        let port_name = if one.listener.port_name.is_empty() { &one.listener.name } else { &one.listener.port_name };
        let name = format!("https.{}.{port_name}.{}.{}", self.number, key.name, key.namespace);
        let (configuration, origins) = hosts::configuration(self.view, name.clone(), self.number, &[*one], all);
        out.insert(Kind::Route, Resource::new(name.clone(), &configuration, origins));
        let hosts: Vec<HostPattern> = one.listener.hosts.iter().map(|host| host.host.clone()).collect();
        let tls = one.listener.tls.as_ref().map(|tls| tls::server(self.view, tls, Within::Http));
        let filters = self.http(name);
        self.named(&hosts, tls, filters);
    }

    fn bytes(&mut self, one: &Served<'_>) {
        for way in l4::ways(self.view, one, self.number) {
            let before = self.chains.len();
            match one.role() {
                Role::Bytes => {
                    let chain = FilterChain { filters: way.filters, ..FilterChain::default() };
                    self.default.get_or_insert(chain);
                }
                Role::Ended => {
                    let tls = one.listener.tls.as_ref().map(|tls| tls::server(self.view, tls, Within::Bytes));
                    self.named(&way.names, tls, way.filters);
                }
                _ => self.named(&way.names, None, way.filters),
            }
            for chain in &mut self.chains[before..] {
                chain.metadata = of_origin(&way.origin);
            }
        }
    }

    /// A chain for server names; no names, or every name, is all of TLS.
    fn named(&mut self, hosts: &[HostPattern], tls: Option<TransportSocket>, filters: Vec<Filter>) {
        let mut names: Vec<String> = hosts.iter().map(|host| host.0.to_ascii_lowercase()).collect();
        if names.is_empty() || names.iter().any(|name| name == "*") {
            names = vec!["*".to_owned()];
        }
        names.retain(|name| self.used.insert(name.clone()));
        if names.is_empty() {
            return;
        }
        let condition = FilterChainMatch {
            transport_protocol: "tls".into(),
            server_names: names.into_iter().filter(|name| name != "*").collect(),
            ..FilterChainMatch::default()
        };
        self.chains.push(FilterChain {
            filter_chain_match: Some(condition),
            transport_socket: tls,
            filters,
            ..FilterChain::default()
        });
    }

    fn http(&self, route: String) -> Vec<Filter> {
        let target = Target { port: Some(self.number), service: None };
        let mut filters = Vec::from_iter(jwt::filter(self.view));
        filters.extend(authz::http(self.view, target));
        let prefix = format!("outbound_0.0.0.0_{}", self.number);
        let mut manager = hcm::manager(self.view, &prefix, Routes::Named(route), filters);
        // Callers are outside of the mesh: what they say of themselves and of others before them does not count.
        manager.use_remote_address = Some(boolean(true));
        manager.forward_client_cert_details = ForwardClientCertDetails::SanitizeSet.into();
        manager.set_current_client_cert_details = Some(SetCurrentClientCertDetails {
            subject: Some(boolean(true)),
            cert: true,
            dns: true,
            uri: true,
            ..SetCurrentClientCertDetails::default()
        });
        vec![hcm::filter(&manager)]
    }

    fn listener(self, name: String, address: &str) -> Option<Listener> {
        if self.chains.is_empty() && self.default.is_none() {
            return None;
        }
        let inspects = !self.chains.is_empty();
        let inspector = || listener_filter("envoy.filters.listener.tls_inspector", any(&TlsInspector::default()));
        Some(Listener {
            name,
            address: Some(socket(address, self.number)),
            filter_chains: self.chains,
            default_filter_chain: self.default,
            listener_filters: if inspects { vec![inspector()] } else { Vec::new() },
            traffic_direction: TrafficDirection::Outbound.into(),
            ..Listener::default()
        })
    }
}

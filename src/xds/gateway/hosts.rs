//! Route configurations of a gateway: virtual hosts of the routes that are attached to its listeners.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, Route, RouteConfiguration, VirtualHost, route::Action, virtual_host::TlsRequirementType,
};

use super::ports::Served;
use crate::ir::{HostPattern, Origin};
use crate::xds::View;
use crate::xds::http::{Place, match_all, routes};
use crate::xds::outbound::route_configuration;

/// The configuration of listeners that share it, among all listeners of the port. What no host has is not found.
pub fn configuration(
    view: &View<'_>,
    name: String,
    port: u16,
    own: &[Served<'_>],
    all: &[Served<'_>],
) -> (RouteConfiguration, Vec<Origin>) {
    let place = Place { view, port };
    let mut hosts: BTreeMap<HostPattern, VirtualHost> = BTreeMap::new();
    let mut origins: Vec<Origin> = own.iter().map(|served| served.listener.origin.clone()).collect();
    for served in own {
        let redirects = served.listener.tls.as_ref().is_some_and(|tls| tls.redirect_plain);
        for set in &view.mesh.http_routes {
            if !served.takes(&set.attachment, &set.namespace, &set.visibility) {
                continue;
            }
            for host in served.hosts(&set.namespace, &set.hosts) {
                if belongs_elsewhere(served, &host, all) {
                    continue;
                }
                let found = hosts.entry(host.clone()).or_insert_with(|| empty(&host, port));
                found.routes.extend(set.rules.iter().flat_map(|rule| routes(&place, rule)));
                if redirects {
                    found.require_tls = TlsRequirementType::All.into();
                }
                if !origins.contains(&set.origin) {
                    origins.push(set.origin.clone());
                }
            }
        }
        for host in &served.listener.hosts {
            if redirects {
                let found = hosts.entry(host.host.clone()).or_insert_with(|| empty(&host.host, port));
                found.require_tls = TlsRequirementType::All.into();
            } else if served.listener.isolated {
                // Requests that are for this listener do not go to a wider one.
                hosts.entry(host.host.clone()).or_insert_with(|| empty(&host.host, port));
            }
        }
    }
    for (host, answer) in misdirected(own, all, port) {
        hosts.entry(host).or_insert(answer);
    }
    (route_configuration(name, hosts.into_values().collect()), origins)
}

fn empty(host: &HostPattern, port: u16) -> VirtualHost {
    VirtualHost {
        name: format!("{host}:{port}"),
        domains: vec![host.0.to_ascii_lowercase()],
        include_request_attempt_count: true,
        ..VirtualHost::default()
    }
}

/// True when another listener of the port, that keeps its requests to itself, has the host more closely.
fn belongs_elsewhere(served: &Served<'_>, host: &HostPattern, all: &[Served<'_>]) -> bool {
    if !served.listener.isolated {
        return false;
    }
    let closest = |served: &Served<'_>| {
        let covering = served.listener.hosts.iter().filter(|own| own.host.covers(&host.0));
        covering.map(|own| (!own.host.is_wildcard(), own.host.0.len())).max()
    };
    let own = closest(served);
    all.iter()
        .filter(|other| other.listener.isolated && other.role() == served.role())
        .any(|other| closest(other) > own)
}

/// Hosts that another listener of the port has more closely: a connection for one is not used for the other.
fn misdirected(own: &[Served<'_>], all: &[Served<'_>], port: u16) -> Vec<(HostPattern, VirtualHost)> {
    let [served] = own else { return Vec::new() };
    if !served.listener.isolated || served.listener.tls.is_none() {
        return Vec::new();
    }
    let others = all.iter().filter(|other| other.listener.name != served.listener.name);
    let hosts = others.flat_map(|other| &other.listener.hosts).map(|host| &host.host);
    let narrower =
        hosts.filter(|host| served.listener.hosts.iter().any(|own| own.host.covers(&host.0) && own.host != **host));
    let answer = |host: &HostPattern| {
        let route = Route {
            r#match: Some(match_all()),
            action: Some(Action::DirectResponse(DirectResponseAction {
                status: 421,
                ..DirectResponseAction::default()
            })),
            ..Route::default()
        };
        (host.clone(), VirtualHost { routes: vec![route], ..empty(host, port) })
    };
    narrower.map(answer).collect()
}

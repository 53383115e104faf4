//! The ports of a gateway's proxy, each with the listeners that share it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::{Attachment, Gateway, GatewayListener, HostPattern, Key, Name, ServerTlsMode, TargetPort, Visibility};
use crate::xds::{Interception, View};

/// A listener and its gateway.
#[derive(Debug, Clone, Copy)]
pub struct Served<'m> {
    /// The gateway.
    pub gateway: &'m Gateway,
    /// The listener.
    pub listener: &'m GatewayListener,
}

/// What a listener does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Requests without TLS.
    Plain,
    /// Requests within TLS that ends here.
    Secure,
    /// Bytes, by server name.
    Passed,
    /// Bytes within TLS that ends here.
    Ended,
    /// Bytes.
    Bytes,
}

impl Served<'_> {
    /// What the listener does.
    pub fn role(&self) -> Role {
        let protocol = self.listener.protocol;
        let mode = self.listener.tls.as_ref().filter(|tls| !tls.redirect_plain).map(|tls| tls.mode);
        match mode {
            Some(ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough) => Role::Passed,
            Some(_) if protocol.is_http() || protocol == crate::ir::Protocol::Https => Role::Secure,
            Some(_) => Role::Ended,
            None if protocol.is_http() => Role::Plain,
            None if protocol.is_tls() => Role::Passed,
            None => Role::Bytes,
        }
    }

    /// The hosts that the listener has of some routes.
    pub fn hosts(&self, namespace: &str, hosts: &[HostPattern]) -> Vec<HostPattern> {
        let own =
            self.listener.hosts.iter().filter(|host| host.namespace.as_ref().is_none_or(|own| **own == *namespace));
        let own: Vec<_> = own.collect();
        let mut both: Vec<HostPattern> =
            hosts.iter().flat_map(|host| own.iter().filter_map(|own| own.host.intersect(host))).collect();
        both.sort();
        both.dedup();
        both
    }

    /// True when routes hold here.
    pub fn takes(&self, attachment: &Attachment, namespace: &Name, visibility: &Visibility) -> bool {
        let Attachment::Gateway { gateway, listener, port } = attachment else { return false };
        *gateway == self.gateway.key
            && listener.as_ref().is_none_or(|name| *name == self.listener.name)
            && port.is_none_or(|port| port == self.listener.port)
            && self.listener.routes_from.includes(namespace)
            && visibility.includes(&self.gateway.key.namespace)
    }
}

/// Listeners by address and port where the proxy binds.
pub fn ports<'m>(view: &View<'m>) -> BTreeMap<(Name, u16), Vec<Served<'m>>> {
    let mut ports: BTreeMap<(Name, u16), Vec<Served<'m>>> = BTreeMap::new();
    for gateway in gateways(view) {
        for listener in &gateway.listeners {
            let at = (address(view, listener), bound(view, listener.port));
            ports.entry(at).or_default().push(Served { gateway, listener });
        }
    }
    ports
}

fn gateways<'m>(view: &View<'m>) -> impl Iterator<Item = &'m Arc<Gateway>> {
    let own: Option<&Key> = view.node.gateway.as_ref();
    view.mesh.gateways.values().filter(move |gateway| match &gateway.proxies {
        crate::ir::Scope::Gateway(key, _) if own.is_some() => own == Some(key),
        scope => scope.includes(view.workload()),
    })
}

fn address(view: &View<'_>, listener: &GatewayListener) -> Name {
    match (&listener.bind, &view.node.interception, view.node.addresses.first()) {
        (Some(bind), ..) => bind.clone(),
        (None, Interception::Explicit { .. }, Some(own)) => own.to_string().into(),
        _ => "0.0.0.0".into(),
    }
}

/// Where the proxy listens for a port that callers see: the target of that port of its own service, or the port itself.
fn bound(view: &View<'_>, port: u16) -> u16 {
    let services = view.workload().services.iter().filter_map(|key| view.mesh.services.get(key));
    let target = services.filter_map(|service| service.port(port)).find_map(|port| match &port.target {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Named(name) => view.workload().ports.iter().find(|own| own.name == *name).map(|own| own.number),
    });
    target.unwrap_or(port)
}

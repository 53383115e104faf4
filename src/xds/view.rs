//! The mesh as one proxy sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Node;
use crate::ir::{
    DestinationPolicy, Key, Mesh, Name, OutboundPolicy, ProxyScope, ScopedHost, Service, TrafficPolicy, Workload,
};

/// The mesh as one proxy sees it: services by visibility and egress scope, policies by precedence.
#[derive(Debug)]
pub struct View<'m> {
    /// The mesh.
    pub mesh: &'m Mesh,
    /// The proxy.
    pub node: &'m Node,
    /// The proxy's scope, when it has one.
    pub scope: Option<&'m Arc<ProxyScope>>,
    services: BTreeMap<Key, &'m Arc<Service>>,
}

impl<'m> View<'m> {
    /// The view of a proxy.
    pub fn new(mesh: &'m Mesh, node: &'m Node) -> Self {
        let scope = mesh.proxy_scope(&node.workload);
        let hosts: Option<Vec<&ScopedHost>> = scope
            .and_then(|scope| scope.egress.as_ref())
            .map(|listeners| listeners.iter().flat_map(|listener| &listener.hosts).collect());
        let visible = mesh.visible_services(&node.workload.key.namespace);
        let services = visible.filter(|service| hosts.as_ref().is_none_or(|hosts| is_in(&service.key, hosts)));
        Self { mesh, node, scope, services: services.map(|service| (service.key.clone(), service)).collect() }
    }

    /// The workload that the proxy belongs to.
    pub fn workload(&self) -> &'m Workload {
        &self.node.workload
    }

    /// Its namespace.
    pub fn namespace(&self) -> &'m Name {
        &self.node.workload.key.namespace
    }

    /// The services that it calls, by namespace and host.
    pub fn services(&self) -> impl Iterator<Item = &'m Arc<Service>> {
        self.services.values().copied()
    }

    /// One of them.
    pub fn service(&self, key: &Key) -> Option<&'m Arc<Service>> {
        self.services.get(key).copied()
    }

    /// The service that it means by a host.
    pub fn host(&self, host: &str) -> Option<&'m Arc<Service>> {
        self.mesh.service(host, self.namespace()).and_then(|service| self.service(&service.key))
    }

    /// The policy for its calls to a service.
    pub fn destination(&self, service: &Service) -> Option<&'m Arc<DestinationPolicy>> {
        self.mesh.destination(service, self.workload())
    }

    /// What holds for its calls to a port of a service, or of a subset of it.
    pub fn traffic(&self, service: &Service, subset: Option<&str>, port: u16) -> TrafficPolicy {
        let Some(policy) = self.destination(service) else { return TrafficPolicy::default() };
        let subset = subset.and_then(|name| policy.subsets.iter().find(|subset| &*subset.name == name));
        policy.traffic.effective(subset.map(|subset| &subset.traffic), port)
    }

    /// The trust domains whose identities count: the mesh's own one first.
    pub fn trust_domains(&self) -> Vec<Name> {
        let settings = &self.mesh.settings;
        let own = std::iter::once(settings.trust_domain.clone());
        own.chain(settings.trust_domain_aliases.iter().filter(|name| **name != settings.trust_domain).cloned())
            .collect()
    }

    /// What it does with traffic to unknown addresses.
    pub fn outbound_policy(&self) -> &'m OutboundPolicy {
        self.scope.and_then(|scope| scope.outbound.as_ref()).unwrap_or(&self.mesh.settings.outbound)
    }
}

/// True when one of the hosts of an egress scope has a service.
fn is_in(service: &Key, hosts: &[&ScopedHost]) -> bool {
    hosts.iter().any(|host| {
        host.namespace.as_ref().is_none_or(|namespace| *namespace == service.namespace)
            && host.host.covers(&service.name)
    })
}

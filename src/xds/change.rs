//! What differs between two meshes, as far as it tells which resources are to be made again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ir::{Key, Mesh};

/// A difference of two meshes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// More than services and their endpoints may be different: everything is to be made again.
    pub all: bool,
    /// Services that came, went or are different, or whose routes or policies are.
    pub services: BTreeSet<Key>,
    /// Services of which only the endpoints are different.
    pub endpoints: BTreeSet<Key>,
}

impl Change {
    /// The difference. Nodes are compared by identity first, so use [`Mesh::reuse`] before.
    pub fn between(old: &Mesh, new: &Mesh) -> Self {
        let mut change = Self {
            all: !Arc::ptr_eq(&old.settings, &new.settings)
                || differs(&old.workloads, &new.workloads)
                || differs(&old.gateways, &new.gateways)
                || differs(&old.credentials, &new.credentials)
                || !same(&old.mutual_tls, &new.mutual_tls)
                || !same(&old.server_limits, &new.server_limits)
                || !same(&old.authz, &new.authz)
                || !same(&old.authz_defaults, &new.authz_defaults)
                || !same(&old.jwt, &new.jwt)
                || !same(&old.rate_limits, &new.rate_limits)
                || !same(&old.proxy_scopes, &new.proxy_scopes)
                || !same(&old.telemetry, &new.telemetry)
                || !same(&old.patches, &new.patches)
                || !same(&old.l4_routes, &new.l4_routes),
            ..Self::default()
        };
        change.services.extend(changed(&old.services, &new.services));
        change.endpoints.extend(changed(&old.endpoints, &new.endpoints));
        let routes = only_in_one(&old.http_routes, &new.http_routes);
        let hosts = routes.iter().flat_map(|routes| routes.hosts.iter()).cloned();
        let policies = only_in_one(&old.destinations, &new.destinations);
        let hosts: Vec<_> = hosts.chain(policies.iter().map(|policy| policy.host.clone())).collect();
        if !hosts.is_empty() {
            let touched = new.services.keys().filter(|key| hosts.iter().any(|host| host.covers(&key.name)));
            change.services.extend(touched.cloned());
        }
        // Routes that are no service's own (gateways, hosts without a service) have no narrower place to say so.
        change.all |= routes.iter().any(|routes| {
            !matches!(routes.attachment, crate::ir::Attachment::Service { .. })
                && routes.hosts.iter().any(|host| new.service(&host.0, &routes.namespace).is_none())
        });
        change
    }

    /// True when nothing is different.
    pub fn is_empty(&self) -> bool {
        !self.all && self.services.is_empty() && self.endpoints.is_empty()
    }
}

fn same<T>(old: &[Arc<T>], new: &[Arc<T>]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new))
}

fn differs<T>(old: &BTreeMap<Key, Arc<T>>, new: &BTreeMap<Key, Arc<T>>) -> bool {
    changed(old, new).next().is_some()
}

fn changed<'m, T>(old: &'m BTreeMap<Key, Arc<T>>, new: &'m BTreeMap<Key, Arc<T>>) -> impl Iterator<Item = Key> + 'm {
    let gone = old.keys().filter(|key| !new.contains_key(key)).cloned();
    let other = new.iter().filter(|(key, node)| old.get(key).is_none_or(|old| !Arc::ptr_eq(old, node)));
    gone.chain(other.map(|(key, _)| key.clone()))
}

fn only_in_one<'m, T>(old: &'m [Arc<T>], new: &'m [Arc<T>]) -> Vec<&'m Arc<T>> {
    let pointers = |list: &[Arc<T>]| list.iter().map(Arc::as_ptr).collect::<std::collections::HashSet<_>>();
    let (in_old, in_new) = (pointers(old), pointers(new));
    let gone = old.iter().filter(|node| !in_new.contains(&Arc::as_ptr(node)));
    gone.chain(new.iter().filter(|node| !in_old.contains(&Arc::as_ptr(node)))).collect()
}

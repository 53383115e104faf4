//! The mesh, how it is built, and the questions that everything after asks it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::addresses::AddressPlan;
use super::selection::select_endpoints;
use super::{
    AuthzDefault, AuthzPolicy, Credential, DestinationPolicy, Endpoint, Gateway, HostPattern, HttpRoutes, JwtPolicy,
    Key, L4Routes, Loss, MutualTls, MutualTlsMode, Name, Patch, ProxyScope, RateLimit, ServerLimits, Service,
    ServiceAddress, Settings, Telemetry, Workload,
};

/// Everything that is known of the mesh.
///
/// Lists are in the order in which their nodes count: where two say different things about the same, the earlier one wins
/// unless the node's own page says otherwise. Nodes are shared: those that a change does not touch stay the same `Arc`
/// ([`Mesh::reuse`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// Settings of the whole.
    pub settings: Arc<Settings>,
    /// Services by namespace and host.
    pub services: BTreeMap<Key, Arc<Service>>,
    /// Endpoints of services that the mesh knows.
    pub endpoints: BTreeMap<Key, Arc<Vec<Endpoint>>>,
    /// Workloads.
    pub workloads: BTreeMap<Key, Arc<Workload>>,
    /// HTTP routes.
    pub http_routes: Vec<Arc<HttpRoutes>>,
    /// Routes of other connections.
    pub l4_routes: Vec<Arc<L4Routes>>,
    /// Policies of callers.
    pub destinations: Vec<Arc<DestinationPolicy>>,
    /// Mutual TLS of servers.
    pub mutual_tls: Vec<Arc<MutualTls>>,
    /// Limits of servers.
    pub server_limits: Vec<Arc<ServerLimits>>,
    /// Access.
    pub authz: Vec<Arc<AuthzPolicy>>,
    /// Access where no policy says anything.
    pub authz_defaults: Vec<Arc<AuthzDefault>>,
    /// Tokens.
    pub jwt: Vec<Arc<JwtPolicy>>,
    /// Rates.
    pub rate_limits: Vec<Arc<RateLimit>>,
    /// Gateways.
    pub gateways: BTreeMap<Key, Arc<Gateway>>,
    /// What proxies see.
    pub proxy_scopes: Vec<Arc<ProxyScope>>,
    /// What proxies tell.
    pub telemetry: Vec<Arc<Telemetry>>,
    /// Patches of generated configuration.
    pub patches: Vec<Arc<Patch>>,
    /// Secrets that gateways and callers use.
    pub credentials: BTreeMap<Key, Arc<Credential>>,
    /// What did not come over from the dialects, beside what rules carry themselves.
    pub losses: Vec<Loss>,
    index: Index,
}

/// Made from the rest.
#[derive(Debug, Clone, Default, PartialEq)]
struct Index {
    by_host: HashMap<Name, Vec<Key>>,
    wildcards: Vec<Key>,
    /// Places in [`Mesh::destinations`] of policies for one host, and of those with a wildcard.
    destinations: HashMap<Name, Vec<usize>>,
    wide_destinations: Vec<usize>,
}

/// A mesh while dialects fill it.
#[derive(Debug, Default)]
pub struct Builder {
    /// What is there so far.
    pub mesh: Mesh,
}

impl Builder {
    /// The mesh, with its indexes. Call it once all dialects have lowered.
    pub fn finish(mut self, plan: Option<&AddressPlan>) -> Mesh {
        let mesh = &mut self.mesh;
        if let Some(plan) = plan {
            plan.assign(mesh);
        }
        select_endpoints(mesh);
        for (key, service) in &mesh.services {
            if service.key.name.starts_with('*') {
                mesh.index.wildcards.push(key.clone());
            } else {
                mesh.index.by_host.entry(key.name.clone()).or_default().push(key.clone());
            }
        }
        // The longest wildcard is the narrowest.
        mesh.index.wildcards.sort_by_key(|key| std::cmp::Reverse(key.name.len()));
        for (at, policy) in mesh.destinations.iter().enumerate() {
            if policy.host.is_wildcard() {
                mesh.index.wide_destinations.push(at);
            } else {
                mesh.index.destinations.entry(policy.host.0.clone()).or_default().push(at);
            }
        }
        self.mesh
    }
}

impl Mesh {
    /// The service that a client in a namespace means by a full host name: its own namespace's first, then by name of the
    /// namespace; a wildcard service when no other has the host.
    pub fn service(&self, host: &str, client_namespace: &str) -> Option<&Arc<Service>> {
        let exact = self.index.by_host.get(host).into_iter().flatten();
        self.choose(exact, client_namespace).or_else(|| {
            let wider = self.index.wildcards.iter().filter(|key| HostPattern(key.name.clone()).covers(host));
            self.choose(wider, client_namespace)
        })
    }

    fn choose<'k>(&self, keys: impl Iterator<Item = &'k Key>, namespace: &str) -> Option<&Arc<Service>> {
        let visible = keys.filter_map(|key| self.services.get(key)).filter(|s| s.visibility.includes(namespace));
        let mut first = None;
        for service in visible {
            if &*service.key.namespace == namespace {
                return Some(service);
            }
            first = first.or(Some(service));
        }
        first
    }

    /// The services that a client in a namespace sees, one a host.
    pub fn visible_services<'m>(&'m self, namespace: &'m str) -> impl Iterator<Item = &'m Arc<Service>> {
        self.services.values().filter(move |service| {
            service.visibility.includes(namespace)
                && self.service(&service.key.name, namespace).is_some_and(|chosen| chosen.key == service.key)
        })
    }

    /// The service that has an address.
    pub fn service_at(&self, address: std::net::IpAddr, client_namespace: &str) -> Option<&Arc<Service>> {
        let has = |service: &Service| {
            service.addresses.iter().any(|own| match own {
                ServiceAddress::Ip(ip) => *ip == address,
                ServiceAddress::Network(network) => network.contains(&address),
            })
        };
        let keys = self.services.iter().filter(|(_, service)| has(service)).map(|(key, _)| key);
        self.choose(keys, client_namespace)
    }

    /// The workload of a key.
    pub fn workload(&self, key: &Key) -> Option<&Arc<Workload>> {
        self.workloads.get(key)
    }

    /// What a workload accepts on a port: the policy of the narrowest scope that says something, the first of equals, its
    /// port settings first. Permissive when none does. The policy that decided comes along.
    pub fn mutual_tls_of(&self, workload: &Workload, port: u16) -> (MutualTlsMode, Option<&Arc<MutualTls>>) {
        let mut policies: Vec<_> = self.mutual_tls.iter().filter(|policy| policy.scope.includes(workload)).collect();
        policies.sort_by_key(|policy| std::cmp::Reverse(policy.scope.breadth()));
        let mut seen = Vec::new();
        for policy in policies {
            // One policy a breadth counts.
            if seen.contains(&policy.scope.breadth()) {
                continue;
            }
            seen.push(policy.scope.breadth());
            let of_port = policy.ports.get(&port).and_then(|(mode, _)| *mode);
            if let Some(mode) = of_port.or(policy.mode) {
                return (mode, Some(policy));
            }
        }
        (MutualTlsMode::Permissive, None)
    }

    /// The policy for callers of a service, as a client sees it: of the client's namespace first, then of the service's,
    /// then of the root of the mesh; the narrowest host of each.
    pub fn destination(&self, service: &Service, client: &Workload) -> Option<&Arc<DestinationPolicy>> {
        let fits = |policy: &&Arc<DestinationPolicy>| {
            policy.host.covers(&service.key.name)
                && policy.visibility.includes(&client.key.namespace)
                && policy
                    .clients
                    .as_ref()
                    .is_none_or(|clients| policy.namespace == client.key.namespace && clients.holds(&client.labels))
        };
        let exact = self.index.destinations.get(&service.key.name).into_iter().flatten();
        let candidates: Vec<_> = exact.chain(&self.index.wide_destinations).map(|at| &self.destinations[*at]).collect();
        let in_namespace = |namespace: &str| {
            let found = candidates.iter().copied().filter(|policy| &*policy.namespace == namespace).filter(fits);
            // Not `max_by_key`: it gives the last of equals, and the first counts.
            found.fold(None, |best: Option<&Arc<DestinationPolicy>>, policy| match best {
                Some(best) if narrowness(best) >= narrowness(policy) => Some(best),
                _ => Some(policy),
            })
        };
        in_namespace(&client.key.namespace)
            .or_else(|| in_namespace(&service.key.namespace))
            .or_else(|| in_namespace(&self.settings.root_namespace))
    }

    /// The scope of a proxy: the narrowest, the first of equals.
    pub fn proxy_scope(&self, workload: &Workload) -> Option<&Arc<ProxyScope>> {
        let found = self.proxy_scopes.iter().filter(|scope| scope.scope.includes(workload));
        found.fold(None, |best: Option<&Arc<ProxyScope>>, scope| match best {
            Some(best) if best.scope.breadth() >= scope.scope.breadth() => Some(best),
            _ => Some(scope),
        })
    }

    /// Puts the nodes of an older mesh in the place of equal ones, so that what did not change is the same `Arc`.
    pub fn reuse(&mut self, old: &Self) {
        reuse_one(&mut self.settings, &old.settings);
        reuse_map(&mut self.services, &old.services);
        reuse_map(&mut self.endpoints, &old.endpoints);
        reuse_map(&mut self.workloads, &old.workloads);
        reuse_map(&mut self.gateways, &old.gateways);
        reuse_map(&mut self.credentials, &old.credentials);
        reuse_list(&mut self.http_routes, &old.http_routes);
        reuse_list(&mut self.l4_routes, &old.l4_routes);
        reuse_list(&mut self.destinations, &old.destinations);
        reuse_list(&mut self.mutual_tls, &old.mutual_tls);
        reuse_list(&mut self.server_limits, &old.server_limits);
        reuse_list(&mut self.authz, &old.authz);
        reuse_list(&mut self.authz_defaults, &old.authz_defaults);
        reuse_list(&mut self.jwt, &old.jwt);
        reuse_list(&mut self.rate_limits, &old.rate_limits);
        reuse_list(&mut self.proxy_scopes, &old.proxy_scopes);
        reuse_list(&mut self.telemetry, &old.telemetry);
        reuse_list(&mut self.patches, &old.patches);
    }
}

/// Exact hosts before wildcards, long wildcards before short ones.
fn narrowness(policy: &DestinationPolicy) -> (bool, usize) {
    (!policy.host.is_wildcard(), policy.host.0.len())
}

fn reuse_one<T: PartialEq>(new: &mut Arc<T>, old: &Arc<T>) {
    if !Arc::ptr_eq(new, old) && **new == **old {
        *new = Arc::clone(old);
    }
}

fn reuse_map<T: PartialEq>(new: &mut BTreeMap<Key, Arc<T>>, old: &BTreeMap<Key, Arc<T>>) {
    for (key, node) in new {
        if let Some(old) = old.get(key) {
            reuse_one(node, old);
        }
    }
}

/// Lists keep their order, and most changes are within a node: the same place is compared first, then, when nodes came or
/// went, the place counted from the end.
fn reuse_list<T: PartialEq>(new: &mut [Arc<T>], old: &[Arc<T>]) {
    let count = new.len();
    for (at, node) in new.iter_mut().enumerate() {
        let from_end = (old.len() + at).checked_sub(count);
        let places = [Some(at), from_end];
        let same = places.into_iter().flatten().filter_map(|at| old.get(at)).find(|old| ***old == **node);
        if let Some(old) = same {
            *node = Arc::clone(old);
        }
    }
}

//! Hosts: from the name in a route or rule to the Service or ServiceEntry behind it, with visibility and wildcards.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::visibility::{EXPORT_TO, Visibility};
use crate::dialects::istio::types::ServiceEntry;
use crate::dialects::kubernetes::types::Service;
pub use crate::dialects::lower::full_name;
use crate::dialects::model::Model;
use crate::dialects::object::{Meta, Object};

/// What stands behind a host.
#[derive(Debug, Clone, Copy)]
pub enum Backend<'m> {
    /// A Kubernetes Service.
    Service(&'m Object<Service>),
    /// A ServiceEntry.
    Entry(&'m Object<ServiceEntry>),
}

impl<'m> Backend<'m> {
    /// Its metadata.
    pub fn meta(self) -> &'m Meta {
        match self {
            Self::Service(object) => &object.meta,
            Self::Entry(object) => &object.meta,
        }
    }

    /// Its port numbers without those of UDP, each once, in source order.
    pub fn ports(self) -> Vec<i64> {
        let mut ports = Vec::new();
        let mut add = |number: i64, protocol: &str| {
            if !protocol.eq_ignore_ascii_case("UDP") && !ports.contains(&number) {
                ports.push(number);
            }
        };
        match self {
            Self::Service(object) => {
                for port in object.spec.spec.iter().flat_map(|spec| &spec.ports) {
                    let protocol = port.protocol.as_ref().map_or("TCP", |p| p.as_str());
                    add(port.port.as_ref().map_or(0, |p| p.value), protocol);
                }
            }
            Self::Entry(object) => {
                for port in &object.spec.ports {
                    let protocol = port.protocol.as_ref().map_or("TCP", |p| p.as_str());
                    add(port.number.as_ref().map_or(0, |p| p.value), protocol);
                }
            }
        }
        ports
    }
}

/// One host that the input knows.
#[derive(Debug)]
pub struct Known<'m> {
    /// What stands behind it.
    pub backend: Backend<'m>,
    /// Who sees it.
    pub visibility: Visibility<'m>,
}

/// The answer to a question for a host.
#[derive(Debug)]
pub enum Lookup<'h, 'm> {
    /// Known and visible.
    Found(&'h Known<'m>),
    /// Known, but not visible from there.
    Hidden(&'h Known<'m>),
    /// Not known.
    Unknown,
    /// The input cannot tell: it has no Services, or nothing of the host's namespace.
    Undecided,
}

/// All hosts of the input.
#[derive(Debug, Default)]
pub struct Hosts<'m> {
    known: Vec<Known<'m>>,
    exact: HashMap<String, Vec<usize>>,
    /// By what follows the `*`.
    wildcards: HashMap<String, Vec<usize>>,
    /// Exact hosts backwards, to find those within a wildcard.
    reversed: BTreeSet<String>,
    /// Namespaces of which the input has more than routes and policies.
    populated: BTreeSet<&'m str>,
    has_services: bool,
    domain: &'m str,
}

/// Services that come with an installation of Istio.
const INSTALLED: [&str; 4] = ["istiod", "istio-ingressgateway", "istio-egressgateway", "istio-eastwestgateway"];

/// Name and namespace of the Service that a full name means, when it ends as Services do.
pub fn service_of<'h>(full_name: &'h str, domain: &str) -> Option<(&'h str, &'h str)> {
    let head = full_name.strip_suffix(domain)?.strip_suffix(".svc.")?;
    let (name, namespace) = head.split_once('.')?;
    (!namespace.contains('.')).then_some((name, namespace))
}

impl<'m> Hosts<'m> {
    /// Collects the hosts of a model.
    pub fn new(model: &'m Model) -> Self {
        let domain = model.options.cluster_domain.as_str();
        let mut hosts = Self { domain, has_services: !model.services.is_empty(), ..Self::default() };
        for object in &model.services {
            let own = &*object.meta.namespace;
            let visibility = Visibility::of_annotation(object.meta.annotations.text(EXPORT_TO), own);
            hosts.add(full_name(object.meta.name(), own, domain).into_owned(), Backend::Service(object), visibility);
        }
        for object in &model.service_entries {
            for host in &object.spec.hosts {
                let own = &*object.meta.namespace;
                let name = full_name(host.as_str(), own, domain).into_owned();
                hosts.add(name, Backend::Entry(object), Visibility::of(&object.spec.export_to, own));
            }
        }
        let known = hosts.known.iter().map(|known| known.backend.meta());
        let workloads =
            model.pods.iter().map(|pod| &pod.meta).chain(model.deployments.iter().map(|object| &object.meta));
        // Owners of a service write its DestinationRules, so that these stand for the services of their namespace too.
        let rules = model.destination_rules.iter().map(|object| &object.meta);
        hosts.populated = known.chain(workloads).chain(rules).map(|meta| &*meta.namespace).collect();
        hosts
    }

    fn add(&mut self, host: String, backend: Backend<'m>, visibility: Visibility<'m>) {
        let at = self.known.len();
        self.known.push(Known { backend, visibility });
        match host.strip_prefix('*') {
            Some(tail) => self.wildcards.entry(tail.to_owned()).or_default().push(at),
            None => {
                self.reversed.insert(host.chars().rev().collect());
                self.exact.entry(host).or_default().push(at);
            }
        }
    }

    /// The full name of a host as an object in `namespace` means it.
    pub fn full_name<'h>(&self, host: &'h str, namespace: &str) -> Cow<'h, str> {
        full_name(host, namespace, self.domain)
    }

    /// True when the input has more of the namespace than routes and policies.
    pub fn is_populated(&self, namespace: &str) -> bool {
        self.populated.contains(namespace)
    }

    /// The best answer for a full name (which may be a wildcard), seen from any of `users` (namespaces).
    pub fn lookup(&self, full_name: &str, users: &[&str]) -> Lookup<'_, 'm> {
        let mut hidden = None;
        for at in self.candidates(full_name) {
            let known = &self.known[at];
            if users.iter().any(|user| known.visibility.includes(user)) {
                return Lookup::Found(known);
            }
            hidden = hidden.or(Some(known));
        }
        if let Some(known) = hidden {
            return Lookup::Hidden(known);
        }
        if self.is_decidable(full_name) { Lookup::Unknown } else { Lookup::Undecided }
    }

    /// The ports of everything visible that has the host.
    pub fn ports(&self, full_name: &str, users: &[&str]) -> Vec<i64> {
        let mut ports: Vec<i64> = Vec::new();
        for at in self.candidates(full_name) {
            let known = &self.known[at];
            if users.iter().any(|user| known.visibility.includes(user)) {
                ports
                    .extend(known.backend.ports().into_iter().filter(|port| !ports.contains(port)).collect::<Vec<_>>());
            }
        }
        ports
    }

    /// Exact hosts first, then the longest wildcard; for a wildcard also what lies within it.
    fn candidates(&self, full_name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self.exact.get(full_name).into_iter().flatten().copied().collect();
        let asked = full_name.strip_prefix('*');
        let text = asked.unwrap_or(full_name);
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            // A host is within `*tail` when it ends in it and has something before; a wildcard also when they are equal.
            if (at > 0 || asked.is_some())
                && let Some(list) = self.wildcards.get(&text[at..])
            {
                found.extend(list);
            }
        }
        if let Some(tail) = asked {
            let start: String = tail.chars().rev().collect();
            let within = self.reversed.range(start.clone()..).take_while(|host| host.starts_with(&start));
            for host in within {
                let host: String = host.chars().rev().collect();
                found.extend(self.exact.get(&host).into_iter().flatten());
            }
        }
        found
    }

    /// True when the input has enough to say that a host does not exist. A namespace of which only routes and policies are
    /// given says nothing about its Services, and those of the installation are seldom among the input.
    fn is_decidable(&self, full_name: &str) -> bool {
        match service_of(full_name, self.domain) {
            Some(("kubernetes", "default")) => false,
            Some((name, _)) if INSTALLED.contains(&name) => false,
            Some((_, namespace)) => self.has_services && self.is_populated(namespace),
            None => !self.known.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Options;

    fn model(text: &str) -> Model {
        let mut model = Model::new(Options::default());
        model.add_yaml("a", text.to_owned(), None);
        model
    }

    const INPUT: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: Service
metadata: {name: private, namespace: shop, annotations: {networking.istio.io/exportTo: .}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: all, namespace: egress}
spec: {hosts: ['*.example.com', api.example.org]}
";

    fn answer(model: &Model, host: &str, user: &'static str) -> &'static str {
        let hosts = Hosts::new(model);
        let name = hosts.full_name(host, user).into_owned();
        match hosts.lookup(&name, &[user]) {
            Lookup::Found(_) => "found",
            Lookup::Hidden(_) => "hidden",
            Lookup::Unknown => "unknown",
            Lookup::Undecided => "undecided",
        }
    }

    #[test]
    fn names_are_completed_and_looked_up() {
        let model = model(INPUT);
        for (host, user, want) in [
            ("web", "shop", "found"),
            ("web.shop.svc.cluster.local", "egress", "found"),
            ("web", "egress", "unknown"),
            ("private", "shop", "found"),
            ("private.shop.svc.cluster.local", "egress", "hidden"),
            ("a.example.com", "shop", "found"),
            ("*.example.com", "shop", "found"),
            ("example.com", "shop", "unknown"),
            ("api.example.org", "shop", "found"),
            ("*.shop.svc.cluster.local", "shop", "found"),
            ("*.example.org", "shop", "found"),
            ("web.other.svc.cluster.local", "shop", "undecided"),
            ("web.shop", "shop", "unknown"),
        ] {
            assert_eq!(answer(&model, host, user), want, "{host} from {user}");
        }
    }

    #[test]
    fn without_services_nothing_is_decided() {
        let model = model("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}");
        assert_eq!(answer(&model, "web", "shop"), "undecided");
        assert_eq!(answer(&model, "a.example.com", "shop"), "undecided");
    }
}

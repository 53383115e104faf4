//! Workloads: what runs, under which identity, with which labels.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Key, Labels, Name, Origin};

/// A group of equal processes (a deployment, a pod, a registered machine) as policies and scopes see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Namespace and name.
    pub key: Key,
    /// Where it is declared.
    pub origin: Origin,
    /// `Deployment`, `Pod`, ...: what people call it by.
    pub kind: Name,
    /// Labels of its processes.
    pub labels: Labels,
    /// The account it runs under.
    pub identity: Identity,
    /// Known addresses, one a process; empty for a template without processes.
    pub addresses: BTreeSet<IpAddr>,
    /// Processes wanted, where it is said.
    pub replicas: u32,
    /// Ports on which it says to listen, by name where named.
    pub ports: Vec<WorkloadPort>,
    /// Region, zone and sub-zone.
    pub locality: Locality,
    /// The network it is in; empty when there is one.
    pub network: Name,
    /// How it takes part in the mesh.
    pub enrolment: Enrolment,
    /// The services that select it. Filled by [`super::Builder::finish`].
    pub services: BTreeSet<Key>,
    /// The gateway that it is, when it is one.
    pub gateway: Option<Key>,
    /// Settings that it carries itself, by the name that the data plane gives them (drain time, statistics, ...).
    pub settings: BTreeMap<Name, Name>,
}

/// A port that a workload says to listen on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadPort {
    /// Number.
    pub number: u16,
    /// Name, may be empty.
    pub name: Name,
}

/// How a workload takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Enrolment {
    /// It has a proxy beside it.
    #[default]
    Sidecar,
    /// It is a proxy itself.
    Gateway,
    /// Not at all: plain traffic in and out.
    Outside,
}

/// Who a workload is. Any part may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Identity {
    /// Namespace.
    pub namespace: Name,
    /// Service account.
    pub account: Name,
    /// The name of a service that is the identity, in meshes where services have one.
    pub service: Option<Name>,
}

impl Identity {
    /// `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
    pub fn spiffe(&self, trust_domain: &str) -> String {
        format!("spiffe://{trust_domain}/ns/{}/sa/{}", self.namespace, self.account)
    }
}

/// Region, zone and sub-zone; empty when unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Locality {
    /// Region.
    pub region: Name,
    /// Zone.
    pub zone: Name,
    /// Sub-zone.
    pub sub_zone: Name,
}

impl Locality {
    /// From `region/zone/sub-zone`, from the left; missing parts are empty.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.splitn(3, '/').map(Name::from);
        let mut next = || parts.next().unwrap_or_default();
        Self { region: next(), zone: next(), sub_zone: next() }
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.region.is_empty() && self.zone.is_empty() && self.sub_zone.is_empty()
    }
}

impl std::fmt::Display for Locality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [&self.region, &self.zone, &self.sub_zone];
        let known = parts.iter().take_while(|part| !part.is_empty()).map(|part| &***part);
        f.write_str(&known.collect::<Vec<_>>().join("/"))
    }
}

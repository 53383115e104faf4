//! Resources as they go over the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::ir::{Key, Name, Origin};

/// The kinds of resources, in the order in which they are to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Clusters.
    Cluster,
    /// Endpoints.
    Endpoints,
    /// Listeners.
    Listener,
    /// Route configurations.
    Route,
    /// Secrets.
    Secret,
    /// Configuration of single filters.
    Extension,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Cluster, Self::Endpoints, Self::Listener, Self::Route, Self::Secret, Self::Extension];

    /// The type URL.
    pub fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Extension => "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        }
    }

    /// The kind of a type URL.
    pub fn of(type_url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == type_url)
    }

    /// The short name that tools use: CDS, EDS, LDS, RDS, SDS, ECDS.
    pub fn short(self) -> &'static str {
        match self {
            Self::Cluster => "CDS",
            Self::Endpoints => "EDS",
            Self::Listener => "LDS",
            Self::Route => "RDS",
            Self::Secret => "SDS",
            Self::Extension => "ECDS",
        }
    }

    /// True when a proxy gets all resources of the kind without asking for names.
    pub fn is_wildcard(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener)
    }
}

/// One resource, encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// Name.
    pub name: Name,
    /// The message, without the `Any` around it.
    pub body: bytes::Bytes,
    /// A fingerprint of the body: equal bodies have equal versions, in every replica.
    pub version: Name,
    /// What it comes from; the first one is the most important.
    pub origins: Vec<Origin>,
}

impl fmt::Debug for Resource {
    /// Without the body: there may be keys in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("name", &self.name)
            .field("bytes", &self.body.len())
            .field("version", &self.version)
            .field("origins", &self.origins)
            .finish()
    }
}

impl Resource {
    /// Encodes a message.
    pub fn new(name: impl Into<Name>, message: &impl prost::Message, origins: Vec<Origin>) -> Self {
        let body = bytes::Bytes::from(message.encode_to_vec());
        let version = format!("{:016x}", twox_hash::XxHash64::oneshot(0, &body)).into();
        Self { name: name.into(), body, version, origins }
    }
}

/// All resources of one proxy, each with its owner: a service, or nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    resources: BTreeMap<Kind, BTreeMap<Name, Arc<Resource>>>,
    owned: BTreeMap<Option<Key>, BTreeSet<(Kind, Name)>>,
    owner: Option<Key>,
}

impl Snapshot {
    /// Adds a resource, which the current owner gets; one of the same kind and name is replaced.
    pub fn insert(&mut self, kind: Kind, resource: Resource) {
        let name = resource.name.clone();
        self.owned.entry(self.owner.clone()).or_default().insert((kind, name.clone()));
        self.resources.entry(kind).or_default().insert(name, Arc::new(resource));
    }

    /// What comes next belongs to a service.
    pub fn own(&mut self, service: &Key) {
        self.owner = Some(service.clone());
    }

    /// What comes next belongs to nobody.
    pub fn share(&mut self) {
        self.owner = None;
    }

    /// Takes away what a service owns.
    pub fn remove_owned(&mut self, service: &Key) {
        let owned = self.owned.remove(&Some(service.clone()));
        self.remove_all(owned);
    }

    /// Takes away what nobody owns.
    pub fn disown_shared(&mut self) {
        let owned = self.owned.remove(&None);
        self.remove_all(owned);
    }

    fn remove_all(&mut self, owned: Option<BTreeSet<(Kind, Name)>>) {
        for (kind, name) in owned.unwrap_or_default() {
            if let Some(of_kind) = self.resources.get_mut(&kind) {
                of_kind.remove(&name);
            }
        }
    }

    /// Puts the resources of an older snapshot in the place of equal ones.
    pub fn reuse(&mut self, old: &Self) {
        for (kind, of_kind) in &mut self.resources {
            for (name, resource) in of_kind {
                if let Some(old) = old.get(*kind, name)
                    && !Arc::ptr_eq(old, resource)
                    && **old == **resource
                {
                    *resource = Arc::clone(old);
                }
            }
        }
    }

    /// All of a kind by name.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// One by name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Resource>> {
        self.resources.get(&kind)?.get(name)
    }
}

//! What one proxy is to have now.

use std::sync::Arc;

use crate::xds::{Kind, Node, Resource, Snapshot};

/// What one proxy is to have now: some of it is shared with other proxies.
#[derive(Debug, Clone)]
pub struct Served {
    /// Number of the state of the mesh that it was made from.
    pub state: u64,
    /// The proxy, as the mesh knows it.
    pub node: Node,
    /// Its resources; those of an earlier layer stand before those of the same name in a later one.
    pub layers: Vec<Arc<Snapshot>>,
}

impl Served {
    /// A resource by name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Resource>> {
        self.layers.iter().find_map(|layer| layer.get(kind, name))
    }

    /// All resources of a kind.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Resource>> {
        self.layers.iter().enumerate().flat_map(move |(at, layer)| {
            let before = &self.layers[..at];
            layer.all(kind).filter(move |resource| before.iter().all(|layer| layer.get(kind, &resource.name).is_none()))
        })
    }

    /// How many resources of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.all(kind).count()
    }
}

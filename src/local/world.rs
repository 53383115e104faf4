//! What all applications of a local mesh share: what they know of the mesh, and the record of who called whom.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::RwLock;

use super::traffic::Traffic;
use crate::ir::Mesh;

/// Shared by all applications.
#[derive(Debug)]
pub struct World {
    mesh: RwLock<Arc<Mesh>>,
    /// Who called whom.
    pub traffic: Traffic,
    /// Stands for hosts without an address.
    pub nameless: IpAddr,
}

impl World {
    /// The world of a mesh.
    pub fn new(mesh: Arc<Mesh>, nameless: IpAddr) -> Self {
        Self { mesh: RwLock::new(mesh), traffic: Traffic::default(), nameless }
    }

    /// The mesh now.
    pub fn mesh(&self) -> Arc<Mesh> {
        Arc::clone(&self.mesh.read())
    }

    /// The mesh changed.
    pub fn set_mesh(&self, mesh: Arc<Mesh>) {
        *self.mesh.write() = mesh;
    }
}

//! What the lowering of one object needs: its names, its origin, and the settings of the mesh.

use crate::dialects::lower::{Input, full_name};
use crate::dialects::object::Meta;
use crate::ir::{Loss, LossKind, Name, Origin};
use crate::manifests::source::Place;

/// One object that is lowered.
pub struct Context<'a> {
    /// All objects.
    pub input: &'a Input<'a>,
    /// The object.
    pub meta: &'a Meta,
    /// Its origin.
    pub origin: Origin,
    /// DNS suffix of the cluster.
    pub domain: Name,
}

impl<'a> Context<'a> {
    /// For an object.
    pub fn new(input: &'a Input<'a>, meta: &'a Meta, domain: &Name) -> Self {
        Self { input, meta, origin: input.origins.object(meta), domain: domain.clone() }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &'a str {
        &self.meta.namespace
    }

    /// The origin of a field.
    pub fn at(&self, path: impl Into<Name>, place: Place) -> Origin {
        self.input.origins.field(&self.origin, self.meta, path, place)
    }

    /// The full name of a host that the object names.
    pub fn host(&self, host: &str) -> Name {
        full_name(host, self.namespace(), &self.domain).into()
    }

    /// A field that does not come over.
    pub fn loss(&self, path: impl Into<Name>, place: Place, kind: LossKind, reason: impl Into<Name>) -> Loss {
        Loss { origin: self.at(path, place), kind, reason: reason.into() }
    }
}

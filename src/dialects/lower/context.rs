//! What the lowering of one object needs: its names, its origin, and the settings of the mesh.

use super::{Flaws, Input, describe, full_name};
use crate::dialects::object::Meta;
use crate::ir::{Loss, LossKind, Name, Origin};
use crate::manifests::source::Place;
use crate::schema::Defect;

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
    /// What is wrong with its structure.
    pub fn flaws(&self) -> Flaws<'a> {
        self.input.defects.of(self.meta)
    }

    /// A loss for each structural defect, with what happens instead.
    pub fn refusals(&self, instead: &str) -> Vec<Loss> {
        let one = |defect: &Defect| {
            let reason = format!("{}; {instead}", describe(defect));
            self.loss(defect.path.as_str(), defect.place, LossKind::Refused, reason)
        };
        self.flaws().iter().map(one).collect()
    }
}

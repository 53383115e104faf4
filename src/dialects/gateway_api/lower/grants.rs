//! ReferenceGrants: which objects may name which objects of other namespaces.

use crate::dialects::gateway_api::types::ObjectReference;
use crate::dialects::model::Model;
use crate::schema::values::text_or_empty;

/// An object that names another one, or is named: group, kind, namespace and name.
#[derive(Debug, Clone, Copy)]
pub struct Object<'o> {
    /// API group.
    pub group: &'o str,
    /// Kind.
    pub kind: &'o str,
    /// Namespace.
    pub namespace: &'o str,
    /// Name.
    pub name: &'o str,
}

/// All grants.
pub struct Grants<'m> {
    all: Vec<Grant<'m>>,
}

struct Grant<'m> {
    namespace: &'m str,
    from: &'m [ObjectReference],
    to: &'m [ObjectReference],
}

impl<'m> Grants<'m> {
    /// Those of a model. One with a structural defect grants nothing.
    pub fn new(model: &'m Model) -> Self {
        let is_broken = |meta: &crate::dialects::object::Meta| {
            model.defects.iter().any(|defects| defects.meta.file == meta.file && defects.meta.place == meta.place)
        };
        let sound = model.reference_grants.iter().filter(|object| !is_broken(&object.meta));
        let all = sound.map(|object| Grant {
            namespace: &object.meta.namespace,
            from: &object.spec.from,
            to: &object.spec.to,
        });
        Self { all: all.collect() }
    }

    /// True when one object may name the other: they are of one namespace, or a grant says so.
    pub fn allow(&self, from: Object<'_>, to: Object<'_>) -> bool {
        from.namespace == to.namespace || self.all.iter().any(|grant| grant.allows(from, to))
    }
}

impl Grant<'_> {
    fn allows(&self, from: Object<'_>, to: Object<'_>) -> bool {
        let fits = |one: &ObjectReference, object: Object<'_>| {
            text_or_empty(one.group.as_ref()) == object.group && text_or_empty(one.kind.as_ref()) == object.kind
        };
        let is_from = |one: &ObjectReference| {
            fits(one, from) && one.namespace.as_ref().is_some_and(|namespace| namespace.as_str() == from.namespace)
        };
        let is_to = |one: &ObjectReference| {
            fits(one, to) && one.name.as_ref().is_none_or(|name| name.as_str().is_empty() || name.as_str() == to.name)
        };
        self.namespace == to.namespace && self.from.iter().any(is_from) && self.to.iter().any(is_to)
    }
}

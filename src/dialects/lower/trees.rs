//! Objects of kinds that have no type here: their trees, with names and origins.

use super::Input;
use crate::dialects::kinds::group_and_kind;
use crate::dialects::meta;
use crate::dialects::object::Meta;
use crate::ir::{Loss, LossKind, Name, Origin};
use crate::manifests::source::Place;
use crate::manifests::tree::Node;
use crate::schema::Reader;

/// An object with the tree of its `spec`.
pub struct Tree<'m> {
    /// Its metadata.
    pub meta: Meta,
    /// Its `spec`.
    pub spec: &'m Node,
    /// Its origin.
    pub origin: Origin,
}

/// All objects of a kind that have a `spec`, by namespace and name.
pub fn trees<'m>(input: &Input<'m>, group: &'static str, kind: &'static str) -> Vec<Tree<'m>> {
    let roots = input.model.untyped.iter().filter_map(|object| Some((object.file, object.root.as_deref()?)));
    let own = roots.filter(|(_, root)| group_and_kind(root) == (group, kind));
    let trees = own.filter_map(|(file, root)| {
        let namespace = &input.model.options.default_namespace;
        let meta = meta::read(root, file, (group, kind), true, namespace, &mut Reader::default());
        let origin = input.origins.object(&meta);
        Some(Tree { meta, spec: root.get("spec")?, origin })
    });
    let mut trees: Vec<Tree<'m>> = trees.collect();
    trees.sort_by(|a, b| (&a.meta.namespace, a.meta.name()).cmp(&(&b.meta.namespace, b.meta.name())));
    trees
}

impl Tree<'_> {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.meta.namespace
    }

    /// The origin of a part of it.
    pub fn at(&self, input: &Input<'_>, path: impl Into<Name>, node: &Node) -> Origin {
        input.origins.field(&self.origin, &self.meta, path, Place::bare(node.span))
    }

    /// A part that does not come over as it is.
    pub fn loss(&self, input: &Input<'_>, path: &str, node: &Node, kind: LossKind, reason: &str) -> Loss {
        Loss { origin: self.at(input, path, node), kind, reason: reason.into() }
    }
}

/// The text of a field, empty when it is none.
pub fn text<'n>(node: &'n Node, key: &str) -> &'n str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

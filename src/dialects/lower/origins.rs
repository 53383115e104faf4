//! From the place of a value to the origin of a node.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::dialects::object::Meta;
use crate::ir::{Name, ObjectName, Origin};
use crate::manifests::source::{FileId, Place, Sources};

/// Makes origins; names of files and objects are shared among them.
pub struct Origins<'m> {
    sources: &'m Sources,
    files: RefCell<HashMap<FileId, Name>>,
}

impl<'m> Origins<'m> {
    /// For the files of a model.
    pub fn new(sources: &'m Sources) -> Self {
        Self { sources, files: RefCell::default() }
    }

    /// The origin of an object as a whole. Those of its fields are made from it with [`Origins::field`].
    pub fn object(&self, meta: &Meta) -> Origin {
        let object = ObjectName {
            group: meta.group.into(),
            version: (&*meta.version).into(),
            kind: meta.kind.into(),
            namespace: (&*meta.namespace).into(),
            name: meta.name().into(),
            cluster: meta.cluster.as_deref().unwrap_or_default().into(),
        };
        let mut files = self.files.borrow_mut();
        let source = self.sources.get(meta.file);
        let file = files.entry(meta.file).or_insert_with(|| source.name.as_str().into()).clone();
        let at = source.line_col(meta.name_span().start);
        Origin { object: Some(Arc::new(object)), field: "".into(), file, line: at.line, column: at.col }
    }

    /// The origin of a field of the object that `origin` is about: its path (`spec.http[0].route`) and where it stands.
    pub fn field(&self, origin: &Origin, meta: &Meta, path: impl Into<Name>, place: Place) -> Origin {
        if place == Place::default() {
            return Origin { field: path.into(), ..origin.clone() };
        }
        let at = self.sources.get(meta.file).line_col(place.key.min(place.start));
        origin.at(path, at.line, at.col)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Model;
    use crate::dialects::model::Options;

    #[test]
    fn origins_name_object_field_and_line() {
        let mut model = Model::new(Options::default());
        let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 80\n";
        model.add_yaml("a.yaml", text.to_owned(), None);
        let origins = Origins::new(&model.sources);
        let service = &model.services[0];
        let origin = origins.object(&service.meta);
        assert_eq!(origin.to_string(), "Service default/web (a.yaml:4:9)");
        let port = service.spec.spec.as_ref().unwrap().ports[0].port.as_ref().unwrap();
        let field = origins.field(&origin, &service.meta, "spec.ports[0].port", port.place);
        assert_eq!(field.to_string(), "Service default/web spec.ports[0].port (a.yaml:7:5)");
    }
}

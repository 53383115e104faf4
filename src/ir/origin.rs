//! Where a node of the mesh comes from: the object, the field in it, and the line of the file.

use std::fmt;
use std::sync::Arc;

use super::Name;

/// An object by its names, as people and tools write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectName {
    /// API group, empty for the core group.
    pub group: Name,
    /// API version.
    pub version: Name,
    /// Kind.
    pub kind: Name,
    /// Namespace, empty for cluster-wide kinds.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// The cluster it was read from, empty when there is one.
    pub cluster: Name,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Where something was written. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// The object; none for what the mesh does by itself.
    pub object: Option<Arc<ObjectName>>,
    /// The field in the object, as `spec.http[0].route[1]`; empty for the object as a whole.
    pub field: Name,
    /// Display name of the file, empty for live objects and defaults.
    pub file: Name,
    /// Line, from 1; 0 when there is no file.
    pub line: u32,
    /// Column in characters, from 1; 0 when there is no file.
    pub column: u32,
}

impl Origin {
    /// The same object, another field and place.
    pub fn at(&self, field: impl Into<Name>, line: u32, column: u32) -> Self {
        Self { field: field.into(), line, column, ..self.clone() }
    }

    /// `file:line:column`, when it stands in a file.
    pub fn place(&self) -> Option<String> {
        (self.line > 0).then(|| format!("{}:{}:{}", self.file, self.line, self.column))
    }

    /// True for what no object says.
    pub fn is_default(&self) -> bool {
        self.object.is_none()
    }
}

impl fmt::Display for Origin {
    /// `VirtualService default/reviews spec.http[0] (reviews.yaml:12:5)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(object) = &self.object else { return f.write_str("default of the mesh") };
        write!(f, "{object}")?;
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        match self.place() {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_object_field_and_line() {
        let object = ObjectName {
            kind: "Service".into(),
            namespace: "shop".into(),
            name: "web".into(),
            ..ObjectName::default()
        };
        let origin = Origin { object: Some(Arc::new(object)), file: "a.yaml".into(), ..Origin::default() };
        assert_eq!(origin.to_string(), "Service shop/web");
        assert_eq!(origin.at("spec.ports[0]", 7, 3).to_string(), "Service shop/web spec.ports[0] (a.yaml:7:3)");
        assert_eq!(Origin::default().to_string(), "default of the mesh");
    }
}

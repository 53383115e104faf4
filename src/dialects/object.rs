//! A typed object: metadata and body, with the place of both.

use crate::diagnostics::Resource;
use crate::manifests::source::{FileId, Place, Span};
use crate::schema::{Any, Defect, Map, Text};

/// What every object has, whatever its kind.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// `VirtualService`.
    pub kind: &'static str,
    /// `networking.istio.io`; empty for the core group.
    pub group: &'static str,
    /// `v1beta1`.
    pub version: Box<str>,
    /// `metadata.name` (or `generateName` with a `*`), empty text when absent.
    pub name: Text,
    /// The namespace the object lands in: its own, or the default one; empty for cluster-wide kinds.
    pub namespace: Box<str>,
    /// Where the namespace is written, when it is.
    pub namespace_place: Option<Place>,
    /// Where `metadata` is written.
    pub metadata_place: Option<Place>,
    /// Labels.
    pub labels: Map<Text>,
    /// Annotations.
    pub annotations: Map<Text>,
    /// When the API server took it, as RFC 3339 in UTC; empty for manifests.
    pub created: Box<str>,
    /// The file.
    pub file: FileId,
    /// The document.
    pub place: Place,
    /// The cluster it was read from, when the input has several.
    pub cluster: Option<Box<str>>,
}

impl Meta {
    /// The object's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// `namespace/name`, or the name alone.
    pub fn full_name(&self) -> String {
        if self.namespace.is_empty() { self.name().to_owned() } else { format!("{}/{}", self.namespace, self.name()) }
    }

    /// The object as findings name it.
    pub fn resource(&self) -> Resource {
        Resource {
            kind: self.kind.to_owned(),
            namespace: self.namespace.to_string(),
            name: self.name().to_owned(),
            cluster: self.cluster.as_deref().map(ToOwned::to_owned),
        }
    }

    /// What to underline when a finding is about the object as a whole: its name.
    pub fn name_span(&self) -> Span {
        if self.name.place == Place::default() { self.place.span() } else { self.name.span() }
    }
}

/// An object with its typed body.
#[derive(Debug, Clone, Default)]
pub struct Object<T> {
    /// Metadata.
    pub meta: Meta,
    /// `spec` for kinds that have one, the rest of the document otherwise; empty when the document has none.
    pub spec: T,
    /// `status`, as it is.
    pub status: Option<Any>,
}

/// The structural defects of one object.
#[derive(Debug, Clone)]
pub struct Defects {
    /// The object.
    pub meta: Meta,
    /// What is wrong with it.
    pub defects: Vec<Defect>,
}

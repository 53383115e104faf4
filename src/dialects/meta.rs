//! Reads `apiVersion`, `kind` and `metadata`.

use super::object::Meta;
use crate::manifests::source::{FileId, Place};
use crate::manifests::tree::{Entry, Node};
use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{Field, List, Map, Reader, Text};

message! {
    /// Object metadata that rules read; the rest is accepted.
    pub struct ObjectMeta {
        /// Name.
        name: Option<Text> = "name",
        /// Prefix of a name that the server completes.
        generate_name: Option<Text> = "generateName",
        /// Namespace.
        namespace: Option<Text> = "namespace",
        /// Labels.
        labels: Map<Text> = "labels",
        /// Annotations.
        annotations: Map<Text> = "annotations",
        /// Set by the server.
        uid: Option<Opaque> = "uid",
        /// Set by the server.
        resource_version: Option<Opaque> = "resourceVersion",
        /// Set by the server.
        generation: Option<Opaque> = "generation",
        /// Set by the server.
        creation_timestamp: Option<Opaque> = "creationTimestamp",
        /// Set by the server.
        deletion_timestamp: Option<Opaque> = "deletionTimestamp",
        /// Set by the server.
        deletion_grace_period_seconds: Option<Opaque> = "deletionGracePeriodSeconds",
        /// Owners.
        owner_references: List<Opaque> = "ownerReferences",
        /// Finalizers.
        finalizers: List<Opaque> = "finalizers",
        /// Field ownership.
        managed_fields: List<Opaque> = "managedFields",
        /// No longer set.
        self_link: Option<Opaque> = "selfLink",
    }
}

/// The metadata of a document whose kind is known. `default_namespace` is where namespaced objects without one land.
pub fn read(
    root: &Node,
    file: FileId,
    (group, kind): (&'static str, &'static str),
    namespaced: bool,
    default_namespace: &str,
    cx: &mut Reader,
) -> Meta {
    let place = Place::bare(root.span);
    let mut metadata: Option<ObjectMeta> = None;
    if let Some(entry) = root.entry("metadata") {
        cx.within("metadata", |cx| metadata.fill(&entry.node, entry.place(), cx));
    }
    let metadata = metadata.unwrap_or_default();
    let api_version = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
    let namespace_place = metadata.namespace.as_ref().map(|ns| ns.place);
    let own = metadata.namespace.map(|ns| ns.value).filter(|ns| !ns.is_empty());
    let name = metadata.name.or_else(|| {
        metadata.generate_name.map(|prefix| Text { value: format!("{}*", prefix.as_str()).into(), place: prefix.place })
    });
    Meta {
        kind,
        group,
        version: version.into(),
        name: name.unwrap_or_default(),
        namespace: if namespaced { own.unwrap_or_else(|| default_namespace.into()) } else { "".into() },
        namespace_place,
        metadata_place: root.entry("metadata").map(Entry::place),
        labels: metadata.labels,
        annotations: metadata.annotations,
        created: root.path(&["metadata", "creationTimestamp"]).and_then(Node::as_str).unwrap_or_default().into(),
        file,
        place,
        cluster: None,
    }
}

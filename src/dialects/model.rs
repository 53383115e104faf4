//! The input of an analysis: sources, typed objects, and what could not be read or typed.

use std::ops::Deref;
use std::sync::Arc;

use super::embedded::{Misfenced, ScriptText};
use super::istio::mesh_sources::MeshSources;
use super::kinds::{KINDS, Objects, group_and_kind};
use super::lower;
use super::object::Meta;
use crate::manifests::file::ReadError;
use crate::manifests::input::Format;
use crate::manifests::limits::Limits;
use crate::manifests::parse::{self, Comment, Problem, Trap};
use crate::manifests::source::{FileId, Place, Source, Sources, Span};
use crate::manifests::tree::{Entry, Node, Value};
use crate::schema::Text;

/// How the input is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Namespace of namespaced objects that name none.
    pub default_namespace: String,
    /// Namespace of the control plane and of mesh-wide configuration.
    pub root_namespace: String,
    /// DNS suffix of the cluster.
    pub cluster_domain: String,
    /// Input limits.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            default_namespace: "default".into(),
            root_namespace: "istio-system".into(),
            cluster_domain: "cluster.local".into(),
            limits: Limits::default(),
        }
    }
}

/// A document with no typed kind.
#[derive(Debug, Clone)]
pub struct Untyped {
    /// `apiVersion` as written.
    pub api_version: Text,
    /// `kind` as written, empty when absent.
    pub kind: Text,
    /// `metadata.name`, empty when absent.
    pub name: Text,
    /// Where `metadata` stands, when it is a mapping: what tells a manifest from other YAML.
    pub metadata: Option<Place>,
    /// The file.
    pub file: FileId,
    /// The document.
    pub span: Span,
    /// Its tree, for kinds of the vocabularies that are read without a type ([`lower::GROUPS`]).
    pub root: Option<Box<Node>>,
}

/// A document or file that could not be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The file.
    pub file: FileId,
    /// Where and why.
    pub problem: Problem,
}

/// A legal but surprising spelling, in a document.
#[derive(Debug, Clone)]
pub struct Trapped {
    /// The file.
    pub file: FileId,
    /// The document's object, as far as it has names.
    pub kind: String,
    /// Namespace that the object lands in; empty for cluster-wide and unknown kinds.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// What is surprising.
    pub trap: Trap,
}

/// Everything that analyzers read.
#[derive(Debug, Default)]
pub struct Model {
    /// Files and their texts.
    pub sources: Sources,
    /// Typed objects.
    pub objects: Objects,
    /// Documents of kinds that are not typed.
    pub untyped: Vec<Untyped>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Surprising spellings.
    pub traps: Vec<Trapped>,
    /// Shell scripts: files, and blocks in Markdown.
    pub scripts: Vec<ScriptText>,
    /// Markdown fences that promise YAML and hold commands.
    pub misfenced: Vec<Misfenced>,
    /// Comments that address this tool.
    pub comments: Vec<(FileId, Comment)>,
    /// Settings of the mesh as a whole.
    pub mesh: MeshSources,
    /// How it was read.
    pub options: Options,
}

impl Deref for Model {
    type Target = Objects;
    fn deref(&self) -> &Objects {
        &self.objects
    }
}

impl Model {
    /// An empty model.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Notes a file that gave no text.
    pub fn add_unreadable(&mut self, name: &str, error: &ReadError) {
        let file = self.sources.add(Source::new(name, String::new()));
        let limit = matches!(error, ReadError::TooLarge { .. });
        let problem = Problem { span: Span::default(), reason: format!("the file {error}"), limit };
        self.unreadable.push(Unreadable { file, problem });
    }

    /// Reads a text in the given format.
    pub fn add(&mut self, name: &str, text: String, format: Format) -> FileId {
        match format {
            Format::Yaml => self.add_yaml(name, text, None),
            Format::Markdown => self.add_markdown(name, text),
            Format::Shell => self.add_shell(name, text),
        }
    }

    /// Reads a YAML or JSON text. `cluster` is the name of the cluster it was taken from, when there are several.
    pub fn add_yaml(&mut self, name: &str, text: String, cluster: Option<&str>) -> FileId {
        let file = self.sources.add(Source::new(name, text));
        let (text, limits) = (Arc::clone(&self.sources.get(file).text), self.options.limits);
        let parsed = parse::parse_each(&text, &limits, &mut |document| self.add_root(file, document, cluster));
        self.add_parsed(file, parsed, cluster);
        file
    }

    pub(super) fn add_parsed(&mut self, file: FileId, parsed: parse::Parsed, cluster: Option<&str>) {
        self.comments.extend(parsed.comments.into_iter().map(|comment| (file, comment)));
        self.unreadable.extend(parsed.problems.into_iter().map(|problem| Unreadable { file, problem }));
        for document in parsed.documents {
            self.add_root(file, document, cluster);
        }
    }

    fn add_root(&mut self, file: FileId, document: parse::Document, cluster: Option<&str>) {
        let metadata = |key| document.root.path(&["metadata", key]).and_then(Node::as_str).unwrap_or_default();
        let (group, kind) = group_and_kind(&document.root);
        let namespaced = || KINDS.iter().any(|known| known.namespaced && known.group == group && known.kind == kind);
        let default = || if namespaced() { &*self.options.default_namespace } else { "" };
        self.traps.extend(document.traps.into_iter().map(|trap| Trapped {
            file,
            kind: kind.to_owned(),
            namespace: Some(metadata("namespace")).filter(|ns| !ns.is_empty()).unwrap_or_else(default).to_owned(),
            name: metadata("name").to_owned(),
            trap,
        }));
        self.add_document(&document.root, file, cluster);
    }

    fn add_document(&mut self, root: &Node, file: FileId, cluster: Option<&str>) {
        let (_, kind) = group_and_kind(root);
        // `List`, and the typed lists that the API server gives (`VirtualServiceList`), which have no name.
        let items = root.get("items").filter(|_| kind.ends_with("List") && root.path(&["metadata", "name"]).is_none());
        if let Some(items) = items {
            for item in items.items() {
                self.add_document(item, file, cluster);
            }
            return;
        }
        if !self.objects.read(root, file, &self.options.default_namespace, cluster) {
            self.untyped.push(untyped(root, file));
        }
        if let ("", "ConfigMap") = group_and_kind(root)
            && let Some(meta) = self.objects.config_maps.last().map(|object| object.meta.clone())
        {
            self.add_mesh_of_config_map(root, &meta);
        }
    }

    /// The source text of a span in the file of an object.
    pub fn text(&self, on: &Meta, span: Span) -> &str {
        self.sources.get(on.file).slice(span)
    }
}

fn untyped(root: &Node, file: FileId) -> Untyped {
    let text = |node: &Node, key: &str| {
        let entry = node.entry(key);
        entry.and_then(|e| e.node.as_str().map(|s| Text { value: s.into(), place: e.place() })).unwrap_or_default()
    };
    let metadata = root.entry("metadata").filter(|entry| matches!(entry.node.value, Value::Map(_)));
    Untyped {
        api_version: text(root, "apiVersion"),
        kind: text(root, "kind"),
        name: metadata.map(|entry| text(&entry.node, "name")).unwrap_or_default(),
        metadata: metadata.map(Entry::place),
        file,
        span: root.span,
        root: lower::GROUPS.contains(&group_and_kind(root).0).then(|| Box::new(root.clone())),
    }
}

//! Where the mesh's settings stand: ConfigMap `istio` (YAML inside of a text), IstioOperator, and files given as such.
//!
//! A text inside of a ConfigMap is parsed on its own; its findings point at the real lines of the file.

use super::types::{MeshConfig, MeshNetworks};
use crate::dialects::model::{Model, Trapped, Unreadable};
use crate::dialects::object::{Defects, Meta, Object};
use crate::manifests::embedded::Embedded;
use crate::manifests::parse;
use crate::manifests::source::{FileId, Place, Source};
use crate::manifests::tree::{Node, Style};
use crate::schema::{Proto, Reader, Shape, Text};

/// Everything that sets up the mesh as a whole, in input order.
#[derive(Debug, Default)]
pub struct MeshSources {
    /// Mesh configurations of ConfigMaps and of files given as such. Those of IstioOperators are in their objects.
    pub configs: Vec<Object<MeshConfig>>,
    /// Networks.
    pub networks: Vec<Object<MeshNetworks>>,
}

impl Model {
    /// Reads a file that is a MeshConfig and nothing else.
    pub fn add_mesh_config(&mut self, name: &str, text: String) -> FileId {
        let (file, meta, root) = self.add_settings(name, text, "MeshConfig", "istio");
        if let Some(root) = root {
            let config = self.read_settings(&Tree { root, exact: true }, "", &meta);
            self.mesh.configs.push(Object { meta, spec: config, status: None });
        }
        file
    }

    /// Reads a file that is a MeshNetworks and nothing else.
    pub fn add_mesh_networks(&mut self, name: &str, text: String) -> FileId {
        let (file, meta, root) = self.add_settings(name, text, "MeshNetworks", "meshnetworks");
        if let Some(root) = root {
            let networks = self.read_settings(&Tree { root, exact: true }, "", &meta);
            self.mesh.networks.push(Object { meta, spec: networks, status: None });
        }
        file
    }

    /// Reads the settings inside of a ConfigMap of the name `istio` or `istio-REVISION`; other ConfigMaps hold none.
    pub(in crate::dialects) fn add_mesh_of_config_map(&mut self, root: &Node, meta: &Meta) {
        if meta.name() != "istio" && !meta.name().starts_with("istio-") {
            return;
        }
        if let Some(node) = root.path(&["data", "mesh"])
            && let Some(tree) = self.embedded_tree(node, meta)
        {
            let config = self.read_settings(&tree, "mesh", meta);
            self.mesh.configs.push(Object { meta: meta.clone(), spec: config, status: None });
        }
        if let Some(node) = root.path(&["data", "meshNetworks"])
            && let Some(tree) = self.embedded_tree(node, meta)
        {
            let networks = self.read_settings(&tree, "meshNetworks", meta);
            self.mesh.networks.push(Object { meta: meta.clone(), spec: networks, status: None });
        }
    }

    fn add_settings(
        &mut self,
        name: &str,
        text: String,
        kind: &'static str,
        object: &str,
    ) -> (FileId, Meta, Option<Node>) {
        let file = self.sources.add(Source::new(name, text));
        let mut parsed = parse::parse(&self.sources.get(file).text, &self.options.limits);
        self.unreadable.extend(parsed.problems.drain(..).map(|problem| Unreadable { file, problem }));
        let root = parsed.documents.into_iter().next().map(|document| document.root);
        let meta = Meta {
            kind,
            name: Text { value: object.into(), place: Place::default() },
            namespace: self.options.root_namespace.as_str().into(),
            file,
            place: root.as_ref().map_or_else(Place::default, |root| Place::bare(root.span)),
            ..Meta::default()
        };
        (file, meta, root)
    }

    fn read_settings<T: Shape + Default>(&mut self, tree: &Tree, within: &'static str, meta: &Meta) -> T {
        let mut cx = Reader::default();
        let root = &tree.root;
        let place = Place::bare(root.span);
        let read = |cx: &mut Reader| Proto::<T>::read(root, place, cx);
        let settings = if within.is_empty() { read(&mut cx) } else { cx.within("data", |cx| cx.within(within, read)) };
        if tree.exact && !cx.defects.is_empty() {
            self.objects.defects.push(Defects { meta: meta.clone(), defects: cx.defects });
        }
        settings.map(|proto| proto.0).unwrap_or_default()
    }

    /// The tree of a YAML text that is the value of `node`, with the places of the file.
    fn embedded_tree(&mut self, node: &Node, meta: &Meta) -> Option<Tree> {
        let file = meta.file;
        let text = node.as_str()?;
        let (written, exact) = embed(node, text, &self.sources.get(file).text);
        let mut parsed = parse::parse(written.text(), &self.options.limits);
        parsed.relocate(&written);
        self.unreadable.extend(parsed.problems.into_iter().map(|problem| Unreadable { file, problem }));
        self.comments.extend(parsed.comments.into_iter().map(|comment| (file, comment)));
        let document = parsed.documents.into_iter().next()?;
        if exact {
            self.traps.extend(document.traps.into_iter().map(|trap| Trapped {
                file,
                kind: meta.kind.to_owned(),
                namespace: meta.namespace.to_string(),
                name: meta.name().to_owned(),
                trap,
            }));
        }
        Some(Tree { root: document.root, exact })
    }
}

/// A document inside of a text.
struct Tree {
    root: Node,
    /// False when places are only those of the whole text: then findings and edits at single values would be wrong.
    exact: bool,
}

/// The text of a scalar with the way back to its file: line by line for a block, as a whole where the scalar is written on
/// one line without escapes. Any other spelling leads back to the start of the scalar.
fn embed(node: &Node, text: &str, source: &str) -> (Embedded, bool) {
    let start = node.span.start as usize;
    let written = source.get(node.span.range()).unwrap_or_default();
    let lines = if node.style == Style::Block { by_line(text, written, start) } else { None };
    if let Some(embedded) = lines {
        return (embedded, true);
    }
    if let Some(at) = written.find(text) {
        return (Embedded::verbatim(text, start + at), true);
    }
    let mut embedded = Embedded::default();
    for (at, c) in text.char_indices() {
        embedded.push(&text[at..at + c.len_utf8()], start);
    }
    (embedded, false)
}

/// Matches the lines of a literal block with those of the file, which have an indentation before them.
fn by_line(text: &str, written: &str, start: usize) -> Option<Embedded> {
    let mut embedded = Embedded::default();
    let mut at = written.find('\n')? + 1;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches('\n');
        let rest = written.get(at..)?;
        let raw = rest.split('\n').next()?;
        let trimmed = raw.trim_end_matches('\r');
        if content.is_empty() {
            embedded.push(line, start + at + raw.len());
        } else {
            let indentation = trimmed.strip_suffix(content)?;
            embedded.push(line, start + at + indentation.len());
        }
        at += raw.len() + 1;
        if at > written.len() {
            break;
        }
    }
    (embedded.text().trim_end() == text.trim_end()).then_some(embedded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Options;

    fn model(text: &str) -> Model {
        let mut model = Model::new(Options::default());
        model.add_yaml("istio.yaml", text.to_owned(), None);
        model
    }

    fn config_map(mesh: &str) -> String {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio\n  namespace: istio-system\ndata:\n  mesh: {mesh}"
        )
    }

    #[test]
    fn settings_in_a_block_point_at_the_lines_of_the_file() {
        let text =
            config_map("|-\n    # the mesh\n\n    trustDomain: example.org\n    enableAutoMtls: false\n    nope: 1\n");
        let model = model(&text);
        let config = &model.mesh.configs[0].spec;
        let domain = config.trust_domain.as_ref().unwrap();
        assert_eq!(&text[domain.span().range()], "example.org");
        assert_eq!(&text[domain.place.entry().range()], "trustDomain: example.org");
        assert!(!config.enable_auto_mtls.unwrap().value);
        let defect = &model.defects[0].defects[0];
        assert_eq!((&text[defect.span.range()], defect.path.as_str()), ("nope", "data.mesh.nope"));
    }

    #[test]
    fn other_spellings_point_at_the_scalar() {
        let text = config_map("\"trustDomain: example.org\\nrootNamespace: mesh\\nnope: 1\"\n");
        let model = model(&text);
        let config = &model.mesh.configs[0].spec;
        assert_eq!(config.root_namespace.as_ref().unwrap().as_str(), "mesh");
        let line = |span: crate::manifests::source::Span| model.sources.get(FileId(0)).line_col(span.start).line;
        assert_eq!(line(config.root_namespace.as_ref().unwrap().span()), 7);
        assert!(config.root_namespace.as_ref().unwrap().span().end as usize <= text.len());
        assert!(model.defects.is_empty(), "no finding at a place that is not the field's");
    }

    #[test]
    fn traps_and_comments_in_a_block_are_seen() {
        let text = config_map("|\n    trustDomain: a # meshctl:ignore K8S0003 why\n    trustDomain: b\n");
        let model = model(&text);
        assert!(matches!(&model.traps[..], [Trapped { trap: parse::Trap::DuplicateKey { .. }, .. }]));
        assert_eq!(&text[model.comments[0].1.span.range()], "# meshctl:ignore K8S0003 why");
    }

    #[test]
    fn protobuf_names_and_files_of_their_own() {
        let mut model = Model::new(Options::default());
        model.add_mesh_config("mesh.yaml", "default_config: {proxy_metadata: {A_B: x}}".into());
        model.add_mesh_networks(
            "networks.yaml",
            "networks: {net1: {endpoints: [{from_registry: K}], gateways: [{registry_service_name: g, port: 443}]}}"
                .into(),
        );
        assert!(model.defects.is_empty(), "{:?}", model.defects);
        let metadata = &model.mesh.configs[0].spec.default_config.as_ref().unwrap().proxy_metadata;
        assert_eq!(metadata.text("A_B"), Some("x"));
        let network = model.mesh.networks[0].spec.networks.get("net1").unwrap();
        assert_eq!(network.endpoints[0].from_registry.as_ref().unwrap().as_str(), "K");
        assert_eq!(model.mesh.networks[0].meta.resource().to_string(), "MeshNetworks istio-system/meshnetworks");
    }

    #[test]
    fn a_broken_text_costs_only_itself() {
        let model = model(&config_map("|\n    a: [1\n"));
        assert!(model.mesh.configs.is_empty());
        assert_eq!(model.unreadable.len(), 1);
        assert_eq!(model.config_maps.len(), 1);
    }
}

//! A bootstrap file: its text, its tree with positions, and the way from a field path to a line.

use std::io;
use std::path::Path;

use crate::failure::Failure;
use crate::manifests::file::{read_file, read_stream};
use crate::manifests::input::STDIN;
use crate::manifests::limits::Limits;
use crate::manifests::parse::parse;
use crate::manifests::source::{LineCol, Source};
use crate::manifests::tree::{Node, Value};

/// A bootstrap document.
#[derive(Debug)]
pub struct Document {
    /// The text with the name that users see.
    source: Source,
    root: Node,
}

impl Document {
    /// Reads a file, or standard input when the path is `-`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let limits = Limits::default();
        let name = path.display().to_string();
        let text = if name == STDIN { read_stream(io::stdin(), &limits) } else { read_file(path, &limits) };
        let text = text.map_err(|error| Failure::input(format!("{name} {error}")))?;
        Self::parse(&name, text)
    }

    /// Reads a text that is called `name`.
    pub fn parse(name: &str, text: String) -> Result<Self, Failure> {
        let parsed = parse(&text, &Limits::default());
        let source = Source::new(name, text);
        if let Some(problem) = parsed.problems.first() {
            let LineCol { line, col } = source.line_col(problem.span.start);
            return Err(Failure::input(format!("{name}:{line}:{col}: {}", problem.reason)));
        }
        let mut documents = parsed.documents.into_iter();
        let Some(document) = documents.next() else {
            return Err(Failure::input(format!("{name} is empty"))
                .hint("A bootstrap has at least one field, such as `static_resources`."));
        };
        if documents.next().is_some() {
            return Err(Failure::input(format!("{name} holds more than one YAML document")).hint(
                "A bootstrap is one document: remove the `---` lines, or the documents that do not belong to it.",
            ));
        }
        Ok(Self { source, root: document.root })
    }

    /// Name of the file.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The document as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        self.root.to_json()
    }

    /// Where the field of a path (`static_resources.clusters[0].name`) stands, or the nearest thing around it that stands
    /// in this document. None: not even its first part does.
    pub fn place(&self, path: &str) -> Option<LineCol> {
        let (mut node, mut at) = (&self.root, None);
        for step in steps(path) {
            let next = match step {
                Step::Field(name) => entry(node, name).map(|entry| (&entry.node, entry.key_span.start)),
                Step::Key(key) => node.entry(&key).map(|entry| (&entry.node, entry.key_span.start)),
                Step::Index(index) => node.items().get(index).map(|item| (item, item.span.start)),
            };
            let Some((child, start)) = next else { break };
            (node, at) = (child, Some(start));
        }
        at.map(|offset| self.source.line_col(offset))
    }
}

/// The entry of a field, in either spelling of protobuf JSON. JSON inside a `TypedStruct` stands one level deeper.
fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n crate::manifests::tree::Entry> {
    let found = node.entry(name).or_else(|| node.entry(&camel(name)));
    found.or_else(|| match &node.get("value")?.value {
        Value::Map(_) if node.get("type_url").or_else(|| node.get("typeUrl")).is_some() => {
            entry(node.get("value")?, name)
        }
        _ => None,
    })
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

enum Step<'p> {
    Field(&'p str),
    Index(usize),
    Key(String),
}

/// The steps of a field path: names joined by dots, indices and quoted map keys in brackets.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = if inner.starts_with('"') { inner.find("\"]").map(|at| at + 1) } else { inner.find(']') };
            let Some(end) = end else { break };
            let text = &inner[..end];
            match (text.parse(), serde_json::from_str(text)) {
                (Ok(index), _) => steps.push(Step::Index(index)),
                (_, Ok(key)) => steps.push(Step::Key(key)),
                _ => break,
            }
            rest = &inner[end + 1..];
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                break;
            }
            steps.push(Step::Field(&rest[..end]));
            rest = &rest[end..];
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
staticResources:
  clusters:
  - name: a
    typed_extension_protocol_options:
      envoy.http:
        upgrade: 1
admin: {address: {}}
";

    #[test]
    fn a_path_leads_to_its_line_in_either_spelling() {
        let document = Document::parse("x", TEXT.to_owned()).unwrap();
        let at = |path: &str| document.place(path).map(|at| (at.line, at.col));
        assert_eq!(at("static_resources.clusters[0].name"), Some((3, 5)));
        assert_eq!(
            at(r#"static_resources.clusters[0].typed_extension_protocol_options["envoy.http"].upgrade"#),
            Some((6, 9))
        );
        assert_eq!(at("static_resources.clusters[0].lb_policy"), Some((3, 5)), "the nearest thing around it");
        assert_eq!(at("admin.address"), Some((7, 9)));
        assert_eq!(at("node"), None);
        assert_eq!(at("[["), None);
    }
}

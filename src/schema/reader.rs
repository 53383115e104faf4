//! Reads span trees into typed values and collects what does not fit.

use super::defect::{Defect, DefectKind};
use super::message::FieldDef;
use super::message::Schema;
use super::rules::MessageRule;
use super::values::{At, List, Map, Proto, Text};
use crate::manifests::source::{Place, Span};
use crate::manifests::tree::{Entry, Node, Value};

/// A type that a node can be read as.
pub trait Shape: Sized {
    /// The value, or nothing after a defect was recorded.
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self>;
    /// How the type looks in a schema.
    fn schema() -> Schema;
}

/// A scalar: read from one node, or refused with a reason.
pub trait Leaf: Sized {
    /// The value of the node.
    fn leaf(node: &Node) -> Result<Self, LeafError>;
    /// How the type looks in a schema.
    fn leaf_schema() -> Schema;
}

/// Why a scalar was refused.
#[derive(Debug, Clone)]
pub enum LeafError {
    /// The node has another type; the text says what is wanted.
    Type(String),
    /// A word that is not in the list.
    Word(Vec<&'static str>),
    /// The right type with an impossible value; a clause such as `must be a duration`.
    Value(String),
}

/// A field of a message: one value, a list, or a map.
pub trait Field: Default {
    /// Reads the field's node into `self`.
    fn fill(&mut self, node: &Node, place: Place, cx: &mut Reader);
    /// How the field looks in a schema.
    fn schema() -> Schema;
}

enum Step {
    Field(&'static str),
    Key(Box<str>),
    Index(usize),
}

/// Collects defects and knows the path of the value being read.
#[derive(Default)]
pub struct Reader {
    path: Vec<Step>,
    /// True while a message is read whose fields also go by their protobuf names ([`super::Proto`]).
    proto_names: bool,
    /// What was found so far.
    pub defects: Vec<Defect>,
}

impl Reader {
    /// Records a defect at the current path.
    pub fn defect(&mut self, kind: DefectKind, span: Span, place: Place) {
        let path = self.path_text(None);
        self.defects.push(Defect { kind, span, place, path });
    }

    /// True when `key` names the field `name`: the same text or, within [`super::Proto`], its protobuf spelling.
    pub fn names(&self, key: &str, name: &str) -> bool {
        key == name || (self.proto_names && key.contains('_') && is_proto_name(key, name))
    }

    /// Reads something whose fields also go by their protobuf names.
    pub fn with_proto_names<R>(&mut self, read: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.proto_names, true);
        let result = read(self);
        self.proto_names = before;
        result
    }

    /// Reads below a named field.
    pub fn within<R>(&mut self, field: &'static str, read: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(Step::Field(field));
        let result = read(self);
        self.path.pop();
        result
    }

    fn path_text(&self, last: Option<&str>) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Index(at) => text.push_str(&format!("[{at}]")),
                Step::Field(name) => push_name(&mut text, name),
                Step::Key(name) => push_name(&mut text, name),
            }
        }
        if let Some(name) = last {
            push_name(&mut text, name);
        }
        text
    }

    /// The entries of a mapping node; a defect and nothing for any other node.
    pub fn mapping<'n>(&mut self, node: &'n Node, place: Place) -> Option<&'n [Entry]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        self.wrong_type("mapping", node, place);
        None
    }

    /// Records that `node` should be `expected`.
    pub fn wrong_type(&mut self, expected: &str, node: &Node, place: Place) {
        let kind = DefectKind::WrongType { expected: expected.to_owned(), found: node.type_name() };
        self.defect(kind, node.span, place);
    }

    /// Reads one known field of a message: its rules, then its value. `null` means not set.
    pub fn field<F: Field>(&mut self, target: &mut F, entry: &Entry, def: &'static FieldDef) {
        if entry.node.is_null() {
            return;
        }
        self.path.push(Step::Field(def.name));
        for rule in def.rules {
            for (span, reason) in rule.breaks(&entry.node) {
                self.defect(DefectKind::Invalid { reason }, span, entry.place());
            }
        }
        target.fill(&entry.node, entry.place(), self);
        self.path.pop();
    }

    /// Records an unknown field; `beside` are all entries of its mapping. The four keys that every document has are known
    /// at its root.
    pub fn unknown(&mut self, entry: &Entry, fields: &'static [FieldDef], beside: &[Entry]) {
        if self.path.is_empty() && ["apiVersion", "kind", "metadata", "status"].contains(&&*entry.key) {
            return;
        }
        let known = fields.iter().map(|field| field.name).collect();
        let is_free = |def: &&FieldDef| {
            (def.schema)().takes(&entry.node) && !beside.iter().any(|other| self.names(&other.key, def.name))
        };
        let free = fields.iter().filter(is_free).map(|field| field.name).collect();
        let key = |e: &Entry| Text { value: e.key.clone(), place: Place::bare(e.key_span) };
        let inside = entry.node.entries().iter().map(key).collect();
        let kind = DefectKind::UnknownField { name: entry.key.to_string(), known, free, inside };
        let path = self.path_text(Some(&entry.key));
        self.defects.push(Defect { kind, span: entry.key_span, place: entry.place(), path });
    }

    fn is_set(&self, node: &Node, name: &str) -> bool {
        node.entries().iter().any(|entry| self.names(&entry.key, name) && !entry.node.is_null())
    }

    /// Checks what only the whole message can tell: required fields and its rules.
    pub fn finish(&mut self, node: &Node, place: Place, fields: &'static [FieldDef], rules: &[MessageRule]) {
        for def in fields {
            if def.required() && !self.is_set(node, def.name) {
                self.defect(DefectKind::Missing { name: def.name }, head(node, place), place);
            }
        }
        for rule in rules {
            if let Some(reason) = rule.broken_by(node) {
                self.defect(DefectKind::Conflict { reason }, head(node, place), place);
            }
        }
    }
}

/// The first entry's key of a mapping (underlining a whole block would hide the point), else the whole value.
fn head(node: &Node, place: Place) -> Span {
    let first = node.entries().first().map(|entry| entry.key_span);
    if place.key < place.start {
        let width = first.map_or(place.end, |_| place.start);
        return Span::new(place.key, width.min(place.end));
    }
    first.unwrap_or(node.span)
}

/// True when `snake` is the protobuf spelling of the JSON name `camel`: `from_cidr` and `fromCidr`.
fn is_proto_name(snake: &str, camel: &str) -> bool {
    let mut up = false;
    let mut rest = camel.chars();
    for c in snake.chars() {
        if c == '_' {
            up = true;
            continue;
        }
        let want = if std::mem::take(&mut up) { c.to_ascii_uppercase() } else { c };
        if rest.next() != Some(want) {
            return false;
        }
    }
    rest.next().is_none()
}

fn push_name(text: &mut String, name: &str) {
    if !text.is_empty() {
        text.push('.');
    }
    if name.contains(['.', '/']) { text.push_str(&format!("\"{name}\"")) } else { text.push_str(name) }
}

impl<T: Leaf> Shape for At<T> {
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self> {
        match T::leaf(node) {
            Ok(value) => Some(At { value, place }),
            Err(error) => {
                let kind = match error {
                    LeafError::Type(expected) => DefectKind::WrongType { expected, found: node.type_name() },
                    LeafError::Word(allowed) => {
                        DefectKind::NotAllowed { value: node.as_str().unwrap_or_default().to_owned(), allowed }
                    }
                    LeafError::Value(reason) => DefectKind::Invalid { reason },
                };
                cx.defect(kind, node.span, place);
                None
            }
        }
    }

    fn schema() -> Schema {
        T::leaf_schema()
    }
}

impl<T: Shape> Shape for Box<T> {
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self> {
        T::read(node, place, cx).map(Box::new)
    }

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: Shape> Shape for Proto<T> {
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self> {
        cx.with_proto_names(|cx| T::read(node, place, cx)).map(Proto)
    }

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: Shape> Field for Option<T> {
    fn fill(&mut self, node: &Node, place: Place, cx: &mut Reader) {
        *self = T::read(node, place, cx);
    }

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: Shape> Field for List<T> {
    fn fill(&mut self, node: &Node, place: Place, cx: &mut Reader) {
        self.place = Some(place);
        let Value::Seq(items) = &node.value else {
            cx.wrong_type("list", node, place);
            return;
        };
        self.items.reserve_exact(items.len());
        for (at, item) in items.iter().enumerate() {
            cx.path.push(Step::Index(at));
            self.items.extend(T::read(item, Place::bare(item.span), cx));
            cx.path.pop();
        }
    }

    fn schema() -> Schema {
        Schema::List(T::schema)
    }
}

impl<T: Shape> Field for Map<T> {
    fn fill(&mut self, node: &Node, place: Place, cx: &mut Reader) {
        self.place = Some(place);
        let Some(entries) = cx.mapping(node, place) else { return };
        self.entries.reserve_exact(entries.len());
        for entry in entries {
            cx.path.push(Step::Key(entry.key.clone()));
            if let Some(value) = T::read(&entry.node, entry.place(), cx) {
                self.entries.push((Text { value: entry.key.clone(), place: Place::bare(entry.key_span) }, value));
            }
            cx.path.pop();
        }
    }

    fn schema() -> Schema {
        Schema::Map(T::schema)
    }
}

/// Lists of lists and maps of lists are shapes too.
impl<T: Shape> Shape for List<T> {
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self> {
        let mut list = Self::default();
        list.fill(node, place, cx);
        Some(list)
    }

    fn schema() -> Schema {
        <Self as Field>::schema()
    }
}

impl<T: Shape> Shape for Map<T> {
    fn read(node: &Node, place: Place, cx: &mut Reader) -> Option<Self> {
        let mut map = Self::default();
        map.fill(node, place, cx);
        Some(map)
    }

    fn schema() -> Schema {
        <Self as Field>::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_names_are_recognised() {
        assert!(is_proto_name("registry_service_name", "registryServiceName"));
        assert!(is_proto_name("mesh_mTLS", "meshMTLS"));
        for (snake, camel) in [("from_cidr", "fromCid"), ("from_cidr", "fromRegistry"), ("from", "fromCidr")] {
            assert!(!is_proto_name(snake, camel), "{snake} {camel}");
        }
    }

    #[test]
    fn only_proto_messages_take_protobuf_names() {
        let cx = Reader::default();
        assert!(!cx.names("from_cidr", "fromCidr"));
        let mut cx = Reader::default();
        assert!(cx.with_proto_names(|cx| cx.names("from_cidr", "fromCidr")));
        assert!(!cx.names("from_cidr", "fromCidr"));
    }
}

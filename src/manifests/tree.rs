//! The span tree of one document: what kubectl would send to the API server, with the bytes it came from.

use super::source::{Place, Span};

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bare text, resolved by the rules of [`super::resolve`].
    Plain,
    /// In single or double quotes.
    Quoted,
    /// `|` or `>` block.
    Block,
}

/// A value as kubectl reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean, YAML 1.1 spellings included.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above the signed range.
    Uint(u64),
    /// A float.
    Float(f64),
    /// Text.
    Str(Box<str>),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping in source order; a duplicated key holds its last value.
    Map(Vec<Entry>),
}

/// One value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The value's bytes in its file.
    pub span: Span,
    /// How it was written; [`Style::Plain`] for collections.
    pub style: Style,
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as the JSON object key that kubectl makes of it.
    pub key: Box<str>,
    /// The key's bytes.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Entry {
    /// Key and value bytes together.
    pub fn place(&self) -> Place {
        Place { key: self.key_span.start, start: self.node.span.start, end: self.node.span.end }
    }
}

impl Node {
    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of a key, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The value under a chain of keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The mapping's entries; empty for anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The list's items; empty for anything else.
    pub fn items(&self) -> &[Node] {
        if let Value::Seq(items) = &self.value { items } else { &[] }
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(text) = &self.value { Some(text) } else { None }
    }

    /// The value of an integer (also of a float without a fraction, as the API server reads it).
    pub fn as_int(&self) -> Option<i64> {
        #[allow(clippy::cast_possible_truncation)] // guarded by the range check
        match self.value {
            Value::Int(n) => Some(n),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Some(f as i64),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(b) = self.value { Some(b) } else { None }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What users call this kind of value.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Uint(_) => "integer",
            Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::Seq(_) => "list",
            Value::Map(_) => "mapping",
        }
    }

    /// The tree as plain JSON, without positions.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::from(*n),
            Value::Uint(n) => Json::from(*n),
            Value::Float(f) => Json::from(*f),
            Value::Str(s) => Json::from(&**s),
            Value::Seq(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|e| (e.key.to_string(), e.node.to_json())).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }
}

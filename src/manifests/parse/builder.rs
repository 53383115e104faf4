//! Builds the span tree of one document from the parts that a reader finds: resolves scalars and keys as kubectl does,
//! expands aliases and merges, notes the traps, and holds the limits.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Tag};

use super::mapping::Entries;
use super::{Document, Problem, Trap};
use crate::manifests::limits::Limits;
use crate::manifests::resolve::{self, Scalar};
use crate::manifests::source::{Span, to_u32};
use crate::manifests::tree::{Entry, Node, Style, Value};

enum Frame {
    Seq { start: u32, end: u32, anchor: usize, items: Vec<Node> },
    Map { start: u32, end: u32, anchor: usize, entries: Entries, key: Option<Key> },
}

/// A mapping key that waits for its value.
struct Key {
    name: Box<str>,
    span: Span,
    merge: bool,
}

/// Takes the parts of a document in order and gives its tree.
pub(super) struct Builder<'t> {
    text: &'t str,
    limits: &'t Limits,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    traps: Vec<Trap>,
    nodes: usize,
}

impl<'t> Builder<'t> {
    /// For documents of `text`.
    pub(super) fn new(text: &'t str, limits: &'t Limits) -> Self {
        Self { text, limits, stack: Vec::new(), root: None, anchors: HashMap::new(), traps: Vec::new(), nodes: 0 }
    }

    /// Forgets a document that was begun.
    pub(super) fn reset(&mut self) {
        self.stack.clear();
        self.root = None;
        self.anchors.clear();
        self.traps.clear();
        self.nodes = 0;
    }

    /// Takes one event of the YAML parser, other than the end of a document.
    pub(super) fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => self.reset(),
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span)?,
            Event::SequenceStart(_, anchor, _) => self.open_sequence(anchor, self.from_dash(span))?,
            Event::MappingStart(_, anchor, _) => self.open_mapping(anchor, span)?,
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(id) => self.alias(id, span)?,
            _ => {}
        }
        Ok(())
    }

    /// The whole document; nothing when it is empty.
    pub(super) fn finish(&mut self) -> Option<Document> {
        let root = self.root.take().filter(|root| !root.is_null());
        let traps = std::mem::take(&mut self.traps);
        self.anchors.clear();
        self.nodes = 0;
        root.map(|root| Document { root, traps })
    }

    /// The parser says that a list whose dashes stand below its key begins after its first dash.
    #[allow(clippy::wrong_self_convention, reason = "where the node comes from")]
    fn from_dash(&self, span: Span) -> Span {
        if !matches!(self.stack.last(), Some(Frame::Map { key: Some(_), .. })) || !span.is_empty() {
            return span;
        }
        let before = self.text.get(..span.start as usize).unwrap_or("").trim_end_matches([' ', '\t']);
        if before.ends_with('-') { Span::new(to_u32(before.len() - 1), span.end) } else { span }
    }

    /// A list begins. `anchor` is 0 for none.
    pub(super) fn open_sequence(&mut self, anchor: usize, span: Span) -> Result<(), Problem> {
        self.nest(1, span)?;
        self.stack.push(Frame::Seq { start: span.start, end: span.end, anchor, items: Vec::new() });
        Ok(())
    }

    /// A mapping begins. `anchor` is 0 for none.
    pub(super) fn open_mapping(&mut self, anchor: usize, span: Span) -> Result<(), Problem> {
        self.nest(1, span)?;
        let entries = Entries::default();
        self.stack.push(Frame::Map { start: span.start, end: span.end, anchor, entries, key: None });
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Problem> {
        let node =
            self.anchors.get(&id).cloned().ok_or_else(|| syntax(span, "an alias to a value that contains it"))?;
        self.nest(height(&node), span)?;
        self.count(size(&node), span)?;
        self.push(node, 0, span)
    }

    /// A scalar, as a value or as a key.
    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Problem> {
        let plain = style == ScalarStyle::Plain && tag.is_none();
        let (style, span) = match style {
            ScalarStyle::Plain => (Style::Plain, span),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (Style::Quoted, span),
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, self.block_span(text, span)),
        };
        let suffix = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
        let scalar = match suffix.as_deref() {
            Some(suffix) => resolve::tagged(text, suffix).map_err(|reason| syntax(span, &reason))?,
            None if plain => resolve::plain(text),
            None => Scalar::Str,
        };
        let decoded = match suffix.as_deref() {
            Some("binary") => Some(resolve::binary(text).map_err(|reason| syntax(span, &reason))?),
            _ => None,
        };
        let text = decoded.as_deref().unwrap_or(text);
        if matches!(self.stack.last(), Some(Frame::Map { key: None, .. })) {
            let merge = text == "<<" && (plain || suffix.as_deref() == Some("merge"));
            return self.key(text, &scalar, merge, anchor, span);
        }
        if !scalar.has_json() {
            return Err(syntax(span, &format!("kubectl refuses `{text}`: JSON has no such number")));
        }
        if plain && scalar != Scalar::Str && surprising(text, &scalar) {
            self.traps.push(Trap::ScalarReadAs { span, written: text.into(), read: scalar.clone() });
        }
        let value = to_value(&scalar, text);
        self.push(Node { value, span, style }, anchor, span)
    }

    /// A scalar in the place of a key.
    fn key(&mut self, text: &str, scalar: &Scalar, merge: bool, anchor: usize, span: Span) -> Result<(), Problem> {
        let name = resolve::key_of(scalar, text).map_err(|reason| syntax(span, &reason))?;
        if *name != *text {
            self.traps.push(Trap::KeyReadAs { span, written: text.into(), read: name.as_ref().into() });
        }
        if anchor != 0 {
            self.count(1, span)?;
            self.anchors.insert(anchor, Node { value: to_value(scalar, text), span, style: Style::Plain });
        }
        if let Some(Frame::Map { key, .. }) = self.stack.last_mut() {
            *key = Some(Key { name: name.into(), span, merge });
        }
        Ok(())
    }

    /// A block scalar's event starts at its content and ends at the next token: take the header in, cut the blank tail.
    /// Only that of an empty one at the end of the text may start at the header.
    fn block_span(&self, content: &str, span: Span) -> Span {
        let at = span.start as usize;
        let at_header = content.trim().is_empty() && matches!(self.text.as_bytes().get(at), Some(b'|' | b'>'));
        let start = if at_header { at } else { block_header(self.text, at) };
        let kept = self.text.get(start..span.end as usize).map_or(0, |text| text.trim_end().len());
        Span::new(to_u32(start), to_u32(start + kept))
    }

    /// The collection that was opened last ends.
    pub(super) fn close(&mut self, span: Span) -> Result<(), Problem> {
        let bracketed = |start: u32| matches!(self.text.as_bytes().get(start as usize), Some(b'[' | b'{'));
        let (start, end, anchor, value) = match self.stack.pop() {
            Some(Frame::Seq { start, end, anchor, items }) => (start, end, anchor, Value::Seq(items)),
            Some(Frame::Map { start, end, anchor, entries, .. }) => (start, end, anchor, Value::Map(entries.list)),
            None => return Err(syntax(span, "a collection ends that did not begin")),
        };
        let end = if bracketed(start) { span.end } else { end };
        let span = Span::new(start, end.max(start));
        if let Some((span, text)) = self.trailing_colon(&value, span) {
            return self.scalar(text, ScalarStyle::Plain, anchor, None, span);
        }
        self.push(Node { value, span, style: Style::Plain }, anchor, span)
    }

    /// `[fe80::]`: for kubectl a colon ends a plain scalar only before a blank, for YAML 1.2 also before `]` and `,`, where it
    /// makes a mapping with one key and no value. Gives the scalar that kubectl reads.
    fn trailing_colon(&self, value: &Value, span: Span) -> Option<(Span, &'t str)> {
        let in_list = matches!(self.stack.last(), Some(Frame::Seq { .. }));
        let Value::Map(entries) = value else { return None };
        let [entry] = &entries[..] else { return None };
        let end = entry.key_span.end as usize;
        let follows = self.text.as_bytes().get(end..end + 2)?;
        if !in_list || !entry.node.is_null() || entry.key_span.start != span.start || !matches!(follows, b":]" | b":,")
        {
            return None;
        }
        let whole = Span::new(span.start, to_u32(end + 1));
        let text = self.text.get(whole.range()).filter(|text| !text.starts_with(['"', '\'']))?;
        Some((whole, text))
    }

    /// Refuses `levels` more of nesting than are allowed: aliases nest further than the parser sees.
    fn nest(&self, levels: usize, span: Span) -> Result<(), Problem> {
        if self.stack.len() + levels <= self.limits.depth {
            return Ok(());
        }
        let reason = format!("the document nests deeper than {} levels", self.limits.depth);
        Err(Problem { span, reason, limit: true })
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let reason = format!("the document grows past {} values once its aliases are expanded", self.limits.nodes);
        Err(Problem { span, reason, limit: true })
    }

    /// Puts a finished value where it belongs. `at` is where it stands, which for an alias is not where its bytes are.
    fn push(&mut self, node: Node, anchor: usize, at: Span) -> Result<(), Problem> {
        self.count(1, at)?;
        if anchor != 0 {
            self.count(size(&node), at)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Seq { items, end, .. }) => {
                *end = at.end.max(*end);
                items.push(node);
            }
            Some(Frame::Map { entries, key, end, .. }) => {
                *end = at.end.max(*end);
                let Some(key) = key.take() else {
                    return self.alias_key(&node, at);
                };
                *end = key.span.end.max(*end);
                if key.merge {
                    let reason = "the merge key `<<` needs a mapping or a list of mappings";
                    entries.merge(&node).ok_or_else(|| syntax(at, reason))?;
                } else {
                    if let Some(first) = entries.own(&key.name) {
                        self.traps.push(Trap::DuplicateKey { key: key.name.clone(), first, again: key.span });
                    }
                    entries.set(Entry { key: key.name, key_span: key.span, node }, false);
                }
            }
        }
        Ok(())
    }

    /// An alias in the place of a key: only a scalar can be one.
    fn alias_key(&mut self, node: &Node, at: Span) -> Result<(), Problem> {
        let (scalar, text) = match &node.value {
            Value::Null => (Scalar::Null, ""),
            Value::Bool(value) => (Scalar::Bool(*value), ""),
            Value::Int(value) => (Scalar::Int(*value), ""),
            Value::Uint(value) => (Scalar::Uint(*value), ""),
            Value::Float(value) => (Scalar::Float(*value), ""),
            Value::Str(text) => (Scalar::Str, &**text),
            Value::Seq(_) | Value::Map(_) => {
                return Err(syntax(at, "a mapping key that is not a scalar, which JSON cannot express"));
            }
        };
        let name = resolve::key_of(&scalar, text).map_err(|reason| syntax(at, &reason))?;
        if let Some(Frame::Map { key, .. }) = self.stack.last_mut() {
            *key = Some(Key { name: name.into(), span: at, merge: false });
        }
        Ok(())
    }
}

/// The start of a block scalar's header (`|` or `>`), found backwards from its content.
fn block_header(text: &str, content: usize) -> usize {
    let before = text.get(..content).unwrap_or("").trim_end_matches([' ', '\t', '\n', '\r']);
    let line = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let is_header = |rest: &str| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
        rest.is_empty() || rest.starts_with([' ', '\t'])
    };
    let found = before[line..].match_indices(['|', '>']).find(|(at, _)| is_header(&before[line + at + 1..]));
    found.map_or(content, |(at, _)| line + at)
}

fn to_value(scalar: &Scalar, text: &str) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(b) => Value::Bool(*b),
        Scalar::Int(n) => Value::Int(*n),
        Scalar::Uint(n) => Value::Uint(*n),
        Scalar::Float(f) => Value::Float(*f),
        Scalar::Str => Value::Str(text.into()),
    }
}

/// How many collections stand inside one another, 0 for a scalar.
fn height(node: &Node) -> usize {
    let inner = node.items().iter().chain(node.entries().iter().map(|entry| &entry.node)).map(height).max();
    usize::from(matches!(node.value, Value::Seq(_) | Value::Map(_))) + inner.unwrap_or(0)
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>() + node.entries().iter().map(|e| size(&e.node)).sum::<usize>()
}

fn syntax(span: Span, reason: &str) -> Problem {
    Problem { span, reason: reason.to_owned(), limit: false }
}

/// Words whose plain reading everybody knows; the rest is compared with YAML 1.2.
fn surprising(text: &str, read: &Scalar) -> bool {
    !matches!(text, "true" | "false" | "null" | "~" | "") && resolve::yaml12(text) != *read
}

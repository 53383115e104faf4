//! YAML and JSON text into span trees, read as kubectl reads them; one broken document costs only itself.

mod mapping;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use self::mapping::Entries;
use super::limits::Limits;
use super::resolve::{self, Scalar};
use super::source::{Span, to_u32};
use super::tree::{Entry, Node, Style, Value};

/// Everything found in one text.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The readable documents in order. Empty documents are left out.
    pub documents: Vec<Document>,
    /// The documents that could not be read.
    pub problems: Vec<Problem>,
    /// Comments, only when the text holds a word that asks for them ([`COMMENT_MARK`]).
    pub comments: Vec<Comment>,
}

/// The word that a comment must hold to be kept.
pub const COMMENT_MARK: &str = "meshctl:";

/// One readable document.
#[derive(Debug)]
pub struct Document {
    /// The tree.
    pub root: Node,
    /// Places where kubectl reads something else than what stands there.
    pub traps: Vec<Trap>,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where reading stopped.
    pub span: Span,
    /// The reason, one sentence without a full stop.
    pub reason: String,
    /// True when a limit stopped it rather than the syntax.
    pub limit: bool,
}

/// A comment with its `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// The text after `#`.
    pub text: String,
}

/// Something that is legal and yet not what its author reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Trap {
    /// The same key twice in one mapping: the last one wins without a word.
    DuplicateKey {
        /// The key.
        key: Box<str>,
        /// Where it stood first.
        first: Span,
        /// Where it stands again.
        again: Span,
    },
    /// A key that becomes another one (`on` is `true`).
    KeyReadAs {
        /// The key's bytes.
        span: Span,
        /// What stands there.
        written: Box<str>,
        /// What kubectl sends.
        read: Box<str>,
    },
    /// A plain scalar that kubectl and YAML 1.2 read differently (`014`, `1_000`, `yes`).
    ScalarReadAs {
        /// The value's bytes.
        span: Span,
        /// What stands there.
        written: Box<str>,
        /// What kubectl makes of it.
        read: Scalar,
    },
}

/// Reads every document of `text`. Offsets in the result are byte offsets into `text`.
pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(text.contains(COMMENT_MARK));
    options.max_buffered_comment_events = 100_000;
    options.flow_nesting_limit = limits.depth;
    options.block_nesting_limit = limits.depth;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut parsed = Parsed::default();
    let mut builder = Builder::new(text, limits);
    loop {
        let failure = match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((Event::Comment(comment, _), span))) => {
                if comment.contains(COMMENT_MARK) {
                    parsed.comments.push(Comment { span: to_span(&span, text), text: comment.into_owned() });
                }
                continue;
            }
            Some(Ok((event, span))) => match builder.event(event, to_span(&span, text)) {
                Ok(None) => continue,
                Ok(Some(document)) => {
                    parsed.documents.push(document);
                    continue;
                }
                Err(problem) => problem,
            },
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                let limit = error.info().contains("limit");
                Problem { span: char_at(text, at), reason: error.info(), limit }
            }
        };
        parsed.problems.push(failure);
        builder.reset();
        if !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    parsed
}

fn to_span(span: &granit_parser::Span, text: &str) -> Span {
    let range = span.byte_range().unwrap_or(0..0);
    Span::new(to_u32(range.start.min(text.len())), to_u32(range.end.min(text.len())))
}

/// The character at `at`, or an empty span at the end of the text.
fn char_at(text: &str, at: usize) -> Span {
    let start = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let len = text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Span::new(to_u32(start), to_u32(start + len))
}

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

struct Builder<'t> {
    text: &'t str,
    limits: &'t Limits,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    traps: Vec<Trap>,
    nodes: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, limits: &'t Limits) -> Self {
        Self { text, limits, stack: Vec::new(), root: None, anchors: HashMap::new(), traps: Vec::new(), nodes: 0 }
    }

    fn reset(&mut self) {
        self.stack.clear();
        self.root = None;
        self.anchors.clear();
        self.traps.clear();
        self.nodes = 0;
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<Option<Document>, Problem> {
        match event {
            Event::DocumentStart(..) => self.reset(),
            Event::DocumentEnd => return Ok(self.finish()),
            Event::Scalar(text, style, anchor, tag) => return self.scalar(&text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(_, anchor, _) => {
                self.nest(1, span)?;
                self.stack.push(Frame::Seq { start: span.start, end: span.end, anchor, items: Vec::new() });
            }
            Event::MappingStart(_, anchor, _) => {
                self.nest(1, span)?;
                let entries = Entries::default();
                self.stack.push(Frame::Map { start: span.start, end: span.end, anchor, entries, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(id) => {
                let node = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or_else(|| syntax(span, "an alias to a value that contains it"))?;
                self.nest(height(&node), span)?;
                self.count(size(&node), span)?;
                self.push(node, 0, span)?;
            }
            _ => {}
        }
        Ok(None)
    }

    fn finish(&mut self) -> Option<Document> {
        let root = self.root.take().filter(|root| !root.is_null());
        let traps = std::mem::take(&mut self.traps);
        self.anchors.clear();
        root.map(|root| Document { root, traps })
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Option<Document>, Problem> {
        let plain = style == ScalarStyle::Plain && tag.is_none();
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
            return self.key(text, &scalar, merge, anchor, span).map(|()| None);
        }
        if !scalar.has_json() {
            return Err(syntax(span, &format!("kubectl refuses `{text}`: JSON has no such number")));
        }
        if plain && scalar != Scalar::Str && surprising(text, &scalar) {
            self.traps.push(Trap::ScalarReadAs { span, written: text.into(), read: scalar.clone() });
        }
        let (style, span) = match style {
            ScalarStyle::Plain => (Style::Plain, span),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (Style::Quoted, span),
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, self.block_span(span)),
        };
        let value = to_value(&scalar, text);
        self.push(Node { value, span, style }, anchor, span)?;
        Ok(None)
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
    fn block_span(&self, span: Span) -> Span {
        let start = block_header(self.text, span.start as usize);
        let kept = self.text.get(start..span.end as usize).map_or(0, |text| text.trim_end().len());
        Span::new(to_u32(start), to_u32(start + kept))
    }

    fn close(&mut self, span: Span) -> Result<(), Problem> {
        let bracketed = |start: u32| matches!(self.text.as_bytes().get(start as usize), Some(b'[' | b'{'));
        let (start, end, anchor, value) = match self.stack.pop() {
            Some(Frame::Seq { start, end, anchor, items }) => (start, end, anchor, Value::Seq(items)),
            Some(Frame::Map { start, end, anchor, entries, .. }) => (start, end, anchor, Value::Map(entries.list)),
            None => return Err(syntax(span, "a collection ends that did not begin")),
        };
        let end = if bracketed(start) { span.end } else { end };
        let span = Span::new(start, end.max(start));
        self.push(Node { value, span, style: Style::Plain }, anchor, span)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Document {
        let mut parsed = parse(text, &Limits::default());
        assert_eq!(parsed.problems, []);
        parsed.documents.pop().unwrap()
    }

    #[test]
    fn spans_cover_exactly_the_values() {
        let text = "a: ü\nb:\n  - \"q\" # c\n  - |\n    x\n    y\n\nc: {d: 1}\n";
        let root = one(text).root;
        let slice = |node: &Node| &text[node.span.range()];
        assert_eq!(slice(root.get("a").unwrap()), "ü");
        assert_eq!(slice(&root.get("b").unwrap().items()[0]), "\"q\"");
        assert_eq!(slice(&root.get("b").unwrap().items()[1]), "|\n    x\n    y");
        assert_eq!(slice(root.get("c").unwrap()), "{d: 1}");
        assert_eq!(&text[root.entry("c").unwrap().place().entry().range()], "c: {d: 1}");
    }

    #[test]
    fn a_broken_document_costs_only_itself() {
        let parsed = parse("a: 1\n---\nb: [1\n---\nc: 3\n", &Limits::default());
        assert_eq!(parsed.documents.len(), 2);
        assert_eq!(parsed.problems.len(), 1);
        assert_eq!(parsed.documents[1].root.get("c").unwrap().as_int(), Some(3));
    }

    #[test]
    fn merges_and_duplicates_follow_kubectl() {
        let document = one("x: &x {a: 1, b: 2}\nw:\n  <<: *x\n  b: 3\nz: 1\nz: 2\n");
        assert_eq!(document.root.path(&["w", "a"]).unwrap().as_int(), Some(1));
        assert_eq!(document.root.path(&["w", "b"]).unwrap().as_int(), Some(3));
        assert_eq!(document.root.get("z").unwrap().as_int(), Some(2));
        assert!(matches!(&document.traps[..], [Trap::DuplicateKey { key, .. }] if &**key == "z"));
    }
}

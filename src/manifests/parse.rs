//! YAML and JSON text into span trees, read as kubectl reads them; one broken document costs only itself.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

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
            None => break,
            Some(Ok((Event::Comment(comment, _), span))) => {
                if comment.contains(COMMENT_MARK) {
                    parsed.comments.push(Comment { span: to_span(&span, text), text: comment.into_owned() });
                }
                continue;
            }
            Some(Ok((Event::StreamEnd, _))) => break,
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
    Seq {
        start: u32,
        anchor: usize,
        items: Vec<Node>,
    },
    Map {
        start: u32,
        anchor: usize,
        entries: Vec<Entry>,
        key: Option<(Box<str>, Span)>,
        merged: Vec<Entry>,
        flow: bool,
    },
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
                self.stack.push(Frame::Seq { start: span.start, anchor, items: Vec::new() });
            }
            Event::MappingStart(_, anchor, _) => {
                let flow = self.text.as_bytes().get(span.start as usize) == Some(&b'{') && !span.is_empty();
                self.stack.push(Frame::Map {
                    start: span.start,
                    anchor,
                    entries: Vec::new(),
                    key: None,
                    merged: Vec::new(),
                    flow,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(id) => {
                let node = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or_else(|| syntax(span, "an alias to a value that contains it"))?;
                self.count(size(&node), span)?;
                self.push(node, 0)?;
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
        if let Some(Frame::Map { key: key @ None, .. }) = self.stack.last_mut() {
            let read = if plain { resolve::key(text) } else { None };
            if let Some(read) = &read
                && **read != *text
            {
                self.traps.push(Trap::KeyReadAs { span, written: text.into(), read: read.as_str().into() });
            }
            *key = Some((read.unwrap_or_else(|| text.to_owned()).into_boxed_str(), span));
            return Ok(None);
        }
        let scalar = match tag.and_then(|tag| tag.core_suffix()) {
            Some(suffix) => resolve::tagged(text, suffix).map_err(|reason| syntax(span, &reason))?,
            None if plain => resolve::plain(text),
            None => Scalar::Str,
        };
        if plain && scalar != Scalar::Str && surprising(text, &scalar) {
            self.traps.push(Trap::ScalarReadAs { span, written: text.into(), read: scalar.clone() });
        }
        let (style, span) = match style {
            ScalarStyle::Plain => (Style::Plain, span),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (Style::Quoted, span),
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, self.trim_block(span)),
        };
        let value = match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(n) => Value::Int(n),
            Scalar::Uint(n) => Value::Uint(n),
            Scalar::Float(f) => Value::Float(f),
            Scalar::Str => Value::Str(text.into()),
        };
        self.push(Node { value, span, style }, anchor)?;
        Ok(None)
    }

    /// A block scalar's event ends at the next token: cut the blank tail.
    fn trim_block(&self, span: Span) -> Span {
        let kept = self.text.get(span.range()).map_or(0, |text| text.trim_end().len());
        Span::new(span.start, span.start + to_u32(kept))
    }

    fn close(&mut self, span: Span) -> Result<(), Problem> {
        match self.stack.pop() {
            Some(Frame::Seq { start, anchor, items }) => {
                let end = items.last().map_or(span.end, |last| last.span.end);
                let end = if self.text.as_bytes().get(start as usize) == Some(&b'[') { span.end } else { end };
                self.push(
                    Node { value: Value::Seq(items), span: Span::new(start, end.max(start)), style: Style::Plain },
                    anchor,
                )
            }
            Some(Frame::Map { start, anchor, mut entries, merged, flow, .. }) => {
                let end = if flow {
                    span.end
                } else {
                    entries.last().map_or(span.end, |last| last.node.span.end.max(last.key_span.end))
                };
                for entry in merged {
                    if !entries.iter().any(|own| own.key == entry.key) {
                        entries.push(entry);
                    }
                }
                self.push(
                    Node { value: Value::Map(entries), span: Span::new(start, end.max(start)), style: Style::Plain },
                    anchor,
                )
            }
            None => Err(syntax(span, "a collection ends that did not begin")),
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let reason = format!("the document grows past {} values once its aliases are expanded", self.limits.nodes);
        Err(Problem { span, reason, limit: true })
    }

    fn push(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.count(1, node.span)?;
        if anchor != 0 {
            self.count(size(&node), node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Seq { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, merged, .. }) => {
                let Some((name, key_span)) = key.take() else {
                    return Err(syntax(node.span, "a mapping key that is not a scalar, which JSON cannot express"));
                };
                if &*name == "<<" {
                    merge(&node, merged)?;
                } else if let Some(at) = find_key(entries, &name) {
                    let first = entries[at].key_span;
                    self.traps.push(Trap::DuplicateKey { key: name.clone(), first, again: key_span });
                    entries[at] = Entry { key: name, key_span, node };
                } else {
                    entries.push(Entry { key: name, key_span, node });
                }
            }
        }
        Ok(())
    }
}

/// Mappings are short: a scan from the end is faster than a hash set, and huge ones are capped by the node limit.
fn find_key(entries: &[Entry], key: &str) -> Option<usize> {
    entries.iter().rposition(|entry| &*entry.key == key)
}

fn merge(node: &Node, merged: &mut Vec<Entry>) -> Result<(), Problem> {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                if !merged.iter().any(|have| have.key == entry.key) {
                    merged.push(entry.clone());
                }
            }
            Ok(())
        }
        Value::Seq(items) => items.iter().try_for_each(|item| merge(item, merged)),
        _ => Err(syntax(node.span, "the merge key `<<` needs a mapping or a list of mappings")),
    }
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
        let document = one("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: 1\nz: 2\n");
        assert_eq!(document.root.path(&["y", "a"]).unwrap().as_int(), Some(1));
        assert_eq!(document.root.path(&["y", "b"]).unwrap().as_int(), Some(3));
        assert_eq!(document.root.get("z").unwrap().as_int(), Some(2));
        assert!(matches!(&document.traps[..], [Trap::DuplicateKey { key, .. }] if &**key == "z"));
    }

    #[test]
    fn hostile_input_is_an_error() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..10 {
            let list = vec![format!("*a{}", i - 1); 10].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
        }
        assert!(parse(&bomb, &Limits::default()).problems[0].limit);
        let deep = "[".repeat(10_000);
        assert_eq!(parse(&deep, &Limits::default()).problems.len(), 1);
    }
}

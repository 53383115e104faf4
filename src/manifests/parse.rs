//! YAML and JSON text into span trees, read as kubectl reads them; one broken document costs only itself.

mod block;
mod builder;
mod mapping;

use granit_parser::{Event, Parser};

use self::builder::Builder;
use super::limits::Limits;
use super::resolve::Scalar;
use super::source::{Span, to_u32};
use super::tree::Node;

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
    let mut documents = Vec::new();
    let parsed = parse_each(text, limits, &mut |document| documents.push(document));
    Parsed { documents, ..parsed }
}

/// Like [`parse`], but hands each document over as soon as it is read (`documents` of the result stays empty): trees are
/// several times larger than their text, and nobody needs all of them at once.
pub fn parse_each(text: &str, limits: &Limits, take: &mut dyn FnMut(Document)) -> Parsed {
    let mut parsed = Parsed::default();
    let mut builder = Builder::new(text, limits);
    let marked = text.contains(COMMENT_MARK);
    let mut from = 0;
    while from < text.len() {
        let to = json_end(text, from).unwrap_or_else(|| document_end(text, from));
        let slice = &text[from..to];
        if !(marked && slice.contains(COMMENT_MARK))
            && let Some(document) = block::read(&text[..to], from, &mut builder)
        {
            document.into_iter().for_each(&mut *take);
            from = to;
            continue;
        }
        // Where a document ends is certain only when it has no mistake and nothing that reaches beyond it.
        let mut found = parse_any(text, from, to, limits);
        if to < text.len() && (!found.problems.is_empty() || reaches_beyond(slice)) {
            found = parse_any(text, from, text.len(), limits);
            from = text.len();
        } else {
            from = to;
        }
        found.documents.into_iter().for_each(&mut *take);
        parsed.problems.append(&mut found.problems);
        parsed.comments.append(&mut found.comments);
    }
    parsed
}

/// Reads every document with the YAML parser alone: what [`parse`] must give as well.
#[cfg(test)]
pub(super) fn parse_whole(text: &str, limits: &Limits) -> Parsed {
    parse_any(text, 0, text.len(), limits)
}

/// The start of the next line that begins a document, or the end of the text.
fn document_end(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text[at..].find("\n---") {
        at += found + 1;
        if matches!(text.as_bytes().get(at + 3), None | Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return at;
        }
    }
    text.len()
}

/// The end of a JSON object that another one follows without a separator, as in JSON Lines: kubectl reads them as a stream.
fn json_end(text: &str, from: usize) -> Option<usize> {
    let inner = text[from..].trim_start().strip_prefix('{')?;
    inner.trim_start().starts_with('"').then_some(())?;
    let start = text.len() - inner.len();
    let (mut depth, mut quoted, mut escaped) = (1_usize, false, false);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text[at + 1..].trim_start().starts_with('{').then_some(at + 1);
        }
    }
    None
}

/// True for text with a directive or a document end of its own: they say how the next document begins.
fn reaches_beyond(slice: &str) -> bool {
    slice.starts_with(['%', '\u{feff}']) || ["\n%", "\r%", "\n...", "\r..."].iter().any(|mark| slice.contains(mark))
}

/// Reads the documents between two offsets, whatever they use of YAML.
fn parse_any(text: &str, from: usize, to: usize, limits: &Limits) -> Parsed {
    let mut parsed = Parsed::default();
    let slice = &text[from..to];
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(slice.contains(COMMENT_MARK));
    options.max_buffered_comment_events = 100_000;
    options.flow_nesting_limit = limits.depth;
    options.block_nesting_limit = limits.depth;
    let mut parser = Parser::new_from_str_with_options(slice, options);
    let mut builder = Builder::new(text, limits);
    let to_span = |span: &granit_parser::Span| {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(to_u32((from + range.start).min(to)), to_u32((from + range.end).min(to)))
    };
    loop {
        let failure = match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((Event::Comment(comment, _), span))) => {
                if comment.contains(COMMENT_MARK) {
                    parsed.comments.push(Comment { span: to_span(&span), text: comment.into_owned() });
                }
                continue;
            }
            Some(Ok((Event::DocumentEnd, _))) => {
                parsed.documents.extend(builder.finish());
                continue;
            }
            Some(Ok((event, span))) => match builder.event(event, to_span(&span)) {
                Ok(()) => continue,
                Err(problem) => problem,
            },
            Some(Err(error)) => {
                let at = error.marker().byte_offset().map_or(to, |at| (from + at).min(to));
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

/// The character at `at`, or an empty span at the end of the text.
fn char_at(text: &str, at: usize) -> Span {
    let start = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let len = text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Span::new(to_u32(start), to_u32(start + len))
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

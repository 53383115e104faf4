//! `# meshctl:ignore CODE[,CODE] reason`: which codes it silences, and where.
//!
//! At the end of a line it counts for that line, on a line of its own for the next line that holds something, and before
//! the first key of a document for the whole document.

use std::collections::BTreeMap;

use crate::analyzers::registry;
use crate::diagnostics::Code;
use crate::dialects::model::Model;
use crate::manifests::parse::COMMENT_MARK;
use crate::manifests::source::{FileId, Source, Span, to_u32};

/// A comment that addresses this tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Directive {
    /// The file.
    pub file: FileId,
    /// The comment from its `#`.
    pub span: Span,
    /// What follows `meshctl:`; only `ignore` means something.
    pub verb: String,
    /// The codes.
    pub codes: Vec<Word>,
    /// Why; empty when it is not said.
    pub reason: String,
    /// Where it counts.
    pub target: Target,
}

/// A code as it is written in a comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// The code that it names.
    pub code: Option<&'static Code>,
}

/// What a comment silences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Findings that start in this line.
    Line(u32),
    /// Findings in this document.
    Document(Span),
}

/// The comments of the input, in order.
pub fn directives(model: &Model) -> Vec<Directive> {
    if model.comments.is_empty() {
        return Vec::new();
    }
    let mut documents: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    let typed = model.metas().map(|meta| (meta.file, meta.place.span()));
    for (file, span) in typed.chain(model.untyped.iter().map(|untyped| (untyped.file, untyped.span))) {
        documents.entry(file).or_default().push(span);
    }
    for spans in documents.values_mut() {
        spans.sort();
    }
    let read = |(file, span): (FileId, Span)| {
        let documents = documents.get(&file).map_or(&[][..], Vec::as_slice);
        directive(model.sources.get(file), file, span, documents)
    };
    // A here-document is read as a part of its script and as a manifest.
    let places: BTreeMap<(FileId, u32), Span> =
        model.comments.iter().map(|(file, comment)| ((*file, comment.span.start), comment.span)).collect();
    places.into_iter().map(|((file, _), span)| (file, span)).filter_map(read).collect()
}

fn directive(source: &Source, file: FileId, span: Span, documents: &[Span]) -> Option<Directive> {
    let text = source.slice(span);
    let body = text.trim_start_matches('#').trim_start().strip_prefix(COMMENT_MARK)?;
    let verb: String = body.chars().take_while(|c| !c.is_whitespace()).collect();
    if verb.is_empty() {
        return None;
    }
    let words_at = text.len() - body.len() + verb.len();
    let (codes, reason) = codes(text, words_at, span.start);
    let target = target(source, span, documents);
    Some(Directive { file, span, verb, codes, reason: reason.to_owned(), target })
}

/// The list of codes from byte `at` on, and what follows it. A comma may be followed by spaces.
fn codes(text: &str, at: usize, base: u32) -> (Vec<Word>, &str) {
    let mut words = Vec::new();
    let mut rest = at;
    loop {
        rest += text[rest..].len() - text[rest..].trim_start().len();
        let end = text[rest..].find(char::is_whitespace).map_or(text.len(), |len| rest + len);
        let list = &text[rest..end];
        let mut from = rest;
        for part in list.split(',') {
            if !part.is_empty() {
                let span = Span::new(base + to_u32(from), base + to_u32(from + part.len()));
                words.push(Word { text: part.to_owned(), span, code: registry::code(part) });
            }
            from += part.len() + 1;
        }
        rest = end;
        if !list.ends_with(',') {
            break;
        }
    }
    let reason = text[rest..].trim().trim_start_matches(['-', ':', '–', '—']).trim();
    (words, if reason.contains(char::is_alphanumeric) { reason } else { "" })
}

fn target(source: &Source, comment: Span, documents: &[Span]) -> Target {
    let line = source.line_col(comment.start).line;
    let before = source.slice(Span::new(source.line_span(line).start, comment.start));
    if !is_margin(before) {
        return Target::Line(line);
    }
    let next = documents.partition_point(|document| document.start < comment.end);
    if let Some(document) = documents.get(next)
        && leads_to(source.slice(Span::new(comment.end, document.start)), next == 0)
    {
        return Target::Document(*document);
    }
    let holds_something = |line: &u32| {
        let text = source.slice(source.line_span(*line)).trim_start_matches(margin);
        !text.is_empty() && !text.starts_with('#')
    };
    Target::Line((line + 1..=source.lines()).find(holds_something).unwrap_or(line))
}

/// Spaces, and the marks of a Markdown quote.
fn margin(c: char) -> bool {
    c.is_whitespace() || c == '>'
}

fn is_margin(text: &str) -> bool {
    text.chars().all(margin)
}

/// Whether only comments stand in `between`. Before the first document of a file a `---` may be there too; later it
/// ends the document that the comment belongs to.
fn leads_to(between: &str, is_first: bool) -> bool {
    let mut lines = between.split('\n').map(|line| line.trim_matches(margin));
    lines.all(|line| line.is_empty() || line.starts_with('#') || (is_first && line == "---"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Options;

    fn read(text: &str) -> Vec<Directive> {
        let mut model = Model::new(Options::default());
        model.add_yaml("a.yaml", text.into(), None);
        directives(&model)
    }

    #[test]
    fn codes_and_reason() {
        let text = "kind: Pod # meshctl:ignore K8S0101, nonsense,UnknownField - old cluster\n";
        let found = &read(text)[0];
        let words: Vec<_> = found.codes.iter().map(|w| (w.text.as_str(), w.code.is_some())).collect();
        assert_eq!(words, [("K8S0101", true), ("nonsense", false), ("UnknownField", true)]);
        assert_eq!(&text[found.codes[1].span.range()], "nonsense");
        assert_eq!((found.reason.as_str(), found.target), ("old cluster", Target::Line(1)));
        assert_eq!(read("a: 1 # meshctl:ignore K8S0101 --\n")[0].reason, "");
        assert_eq!(read("# see meshctl: it\na: 1\n# meshctl: no\n"), []);
    }

    #[test]
    fn a_comment_above_counts_for_the_next_line_that_holds_something() {
        let text = "kind: Pod\n  # meshctl:ignore K8S0101 a\n\n  # meshctl:ignore K8S0101 b\nspec: {}\n";
        let targets: Vec<_> = read(text).iter().map(|d| d.target).collect();
        assert_eq!(targets, [Target::Line(5), Target::Line(5)]);
    }

    #[test]
    fn a_comment_before_the_first_key_counts_for_the_document() {
        let text = "# meshctl:ignore K8S0101 a\n---\nkind: Pod\n---\n# meshctl:ignore K8S0101 b\n# more\nkind: Job\n";
        let targets: Vec<_> = read(text).iter().map(|d| d.target).collect();
        let start = |word: &str| to_u32(text.find(word).unwrap());
        assert!(matches!(targets[0], Target::Document(span) if span.start == start("kind: Pod")), "{targets:?}");
        assert!(matches!(targets[1], Target::Document(span) if span.start == start("kind: Job")), "{targets:?}");
    }

    #[test]
    fn comments_in_scripts_and_markdown_are_read_once() {
        let manifest = "apiVersion: v1\nkind: Pod\nmetadata: # meshctl:ignore K8S0101 a\n  name: a\n";
        let script = format!("# meshctl:ignore K8S0101 b\nkubectl apply -f - <<'E'\n{manifest}E\n");
        for (name, text, expected) in [
            ("a.sh", script.clone(), vec![Target::Line(2), Target::Line(5)]),
            (
                "a.md",
                format!("```sh\n{script}```\n> ```yaml\n> {}\n> ```\n", manifest.trim().replace('\n', "\n> ")),
                vec![Target::Line(3), Target::Line(6), Target::Line(13)],
            ),
        ] {
            let mut model = Model::new(Options::default());
            model.add(name, text, crate::manifests::input::Format::of_name(name).unwrap());
            let targets: Vec<_> = directives(&model).iter().map(|d| d.target).collect();
            assert_eq!(targets, expected, "{name}");
        }
    }

    #[test]
    fn a_comment_at_the_end_of_a_document_is_not_for_the_next_one() {
        let text = "kind: Pod\n# meshctl:ignore K8S0101 a\n---\nkind: Job\n";
        assert_eq!(read(text)[0].target, Target::Line(3));
    }
}

//! A few lines of a file as miette wants them: own copy, long lines cut, control characters made visible.
//!
//! miette counts lines from the start of what it is given. A copy of the lines around a finding keeps a report on a big
//! file linear, and a JSON file in one line readable.

use std::fmt::Write;
use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::plain;
use crate::manifests::source::{Source, Span};

/// Lines shown before the first and after the last label.
const BEFORE: u32 = 2;
const AFTER: u32 = 1;
/// Longer lines are cut, however wide the terminal is: they are not written by hand.
const MAX_CHARS: usize = 160;
/// Below this nothing would be left to read.
const MIN_CHARS: usize = 50;
/// What miette draws before a line.
const MARGIN: u16 = 9;

/// The lines around some spans of one file.
pub(super) struct Excerpt {
    name: String,
    text: String,
    first_line: usize,
    column: usize,
    max_chars: usize,
    /// The spans in `text`, in the order they were given.
    pub spans: Vec<Range<usize>>,
}

impl Excerpt {
    /// Copies the lines around `spans`, of which the first names the place. A span over several lines is cut to its first.
    /// Lines that are too long for a terminal of `width` columns are cut too.
    pub fn new(source: &Source, spans: &[Span], width: u16) -> Self {
        let spans: Vec<Span> = spans.iter().map(|span| one_line(source, *span)).collect();
        let lines: Vec<u32> = spans.iter().map(|span| source.line_col(span.start).line).collect();
        let first = lines.iter().min().map_or(1, |line| line.saturating_sub(BEFORE).max(1));
        let last = lines.iter().max().map_or(1, |line| line + AFTER);
        let mut excerpt = Self {
            name: plain::line(&source.name).into_owned(),
            text: String::new(),
            first_line: first as usize,
            column: spans.first().map_or(1, |span| source.line_col(span.start).col) as usize,
            max_chars: usize::from(width.saturating_sub(MARGIN)).clamp(MIN_CHARS, MAX_CHARS),
            spans: vec![0..0; spans.len()],
        };
        for line in first..=last.min(source.lines()) {
            if line > first {
                excerpt.text.push('\n');
            }
            let here = (0..spans.len()).filter(|at| lines[*at] == line);
            excerpt.push_line(source, source.line_span(line), &spans, here);
        }
        excerpt
    }

    fn push_line(&mut self, source: &Source, line: Span, spans: &[Span], here: impl Iterator<Item = usize> + Clone) {
        let text = source.slice(line);
        let start = line.start as usize;
        let label = here.clone().map(|at| spans[at].start as usize - start).min();
        let cut = window(text, label, self.max_chars);
        if cut.start > 0 {
            self.text.push('…');
        }
        // Where each byte of the line has gone, for the few that a span starts or ends at.
        let mut at = cut.start;
        let base = self.text.len();
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for c in text[cut.clone()].chars() {
            ends.push((at, self.text.len()));
            if plain::is_unsafe(c) {
                self.text.push('\u{fffd}');
            } else {
                self.text.push(c);
            }
            at += c.len_utf8();
        }
        ends.push((at, self.text.len()));
        if cut.end < text.len() {
            self.text.push('…');
        }
        let gone = |offset: u32| {
            let offset = (offset as usize).saturating_sub(start);
            let at = ends.partition_point(|(from, _)| *from < offset);
            ends.get(at).or(ends.last()).map_or(base, |(_, to)| *to)
        };
        for index in here {
            self.spans[index] = gone(spans[index].start)..gone(spans[index].end);
        }
    }
}

/// The part of a span that stands in its first line.
fn one_line(source: &Source, span: Span) -> Span {
    let line = source.line_span(source.line_col(span.start).line);
    let start = span.start.clamp(line.start, line.end);
    let end = span.end.clamp(start, line.end);
    let trimmed = source.slice(Span::new(start, end)).trim_end().len();
    Span::new(start, start + crate::manifests::source::to_u32(trimmed))
}

/// The bytes of a line to show so that a label at `label` is among them.
fn window(text: &str, label: Option<usize>, max_chars: usize) -> Range<usize> {
    let over = |text: &str| text.char_indices().nth(max_chars).map(|(at, _)| at);
    if over(text).is_none() {
        return 0..text.len();
    }
    let label = label.unwrap_or(0).min(text.len());
    let lead = text[..label].char_indices().rev().take(max_chars / 4).last().map_or(label, |(at, _)| at);
    let from = if label < max_chars / 2 { 0 } else { lead };
    from..over(&text[from..]).map_or(text.len(), |end| from + end)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, after)?;
        // Without context lines miette asks for the place to print in the frame.
        let column = if before == 0 && after == 0 { self.column - 1 } else { inner.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            self.first_line - 1 + inner.line(),
            column,
            inner.line_count(),
        )))
    }
}

impl std::fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        f.write_char('\n')?;
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<u32>) -> (String, String) {
        let source = Source::new("a.yaml", text.to_owned());
        let excerpt = Excerpt::new(&source, &[Span::new(span.start, span.end)], 200);
        (excerpt.text[excerpt.spans[0].clone()].to_owned(), excerpt.text)
    }

    #[test]
    fn two_lines_before_and_one_after() {
        let (label, text) = shown("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n", 18..19);
        assert_eq!((label.as_str(), text.as_str()), ("4", "b: 2\nc: 3\nd: 4\ne: 5"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_label() {
        let line = format!("{}HERE{}", "x".repeat(1_000_000), "y".repeat(1_000_000));
        let (label, text) = shown(&line, 1_000_000..1_000_004);
        assert_eq!(label, "HERE");
        assert!(text.chars().count() <= MAX_CHARS + 2 && text.starts_with('…') && text.ends_with('…'), "{text}");
    }

    #[test]
    fn control_characters_do_not_shift_the_label() {
        let (label, text) = shown("k: \u{1b}[31m value\n", 9..14);
        assert_eq!((label.as_str(), text.as_str()), ("value", "k: \u{fffd}[31m value\n"));
    }

    #[test]
    fn a_span_over_lines_and_one_past_the_end() {
        assert_eq!(shown("a:\n  b: 1\n  c: 2\n", 5..17).0, "b: 1");
        assert_eq!(shown("a: 1\n", 5..90).0, "");
        assert_eq!(shown("", 0..0).0, "");
    }
}

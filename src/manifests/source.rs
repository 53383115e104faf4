//! Source files: their text, their display name, and the way from a byte offset to line and column.

use std::sync::{Arc, OnceLock};

/// A half-open byte range in one source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// True when the span covers no byte.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The span as a `usize` range, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.end.max(self.start)) as usize
    }
}

/// Where a value stands: its own bytes and, for a value in a mapping, where its key starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// First byte of the key; equals `start` for a list item or a document.
    pub key: u32,
    /// First byte of the value.
    pub start: u32,
    /// One past the last byte of the value.
    pub end: u32,
}

impl Place {
    /// A place without a key of its own.
    pub fn bare(span: Span) -> Self {
        Self { key: span.start, start: span.start, end: span.end }
    }

    /// The value's bytes.
    pub fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    /// The bytes of the key, when it is written as plain text.
    pub fn key_span(self, key: &str) -> Span {
        Span::new(self.key, self.key + to_u32(key.len()))
    }

    /// From the first byte of the key to the end of the value.
    pub fn entry(self) -> Span {
        Span::new(self.key.min(self.start), self.end)
    }
}

/// Index of a source in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// One input text with the name that users see (`path`, `-` for standard input).
#[derive(Debug)]
pub struct Source {
    /// Display name.
    pub name: String,
    /// The whole text, as read. Shared, so that it can be read while objects are added beside it.
    pub text: Arc<String>,
    lines: OnceLock<Vec<u32>>,
}

/// A position for people: both numbers start at 1, the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCol {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub col: u32,
}

impl Source {
    /// A source with its display name.
    pub fn new(name: impl Into<String>, text: String) -> Self {
        Self { name: name.into(), text: Arc::new(text), lines: OnceLock::new() }
    }

    fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| to_u32(at + 1))).collect()
        })
    }

    /// Line and column of a byte offset; an offset past the end gives the last position.
    pub fn line_col(&self, offset: u32) -> LineCol {
        let offset = offset.min(to_u32(self.text.len()));
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start as usize..offset as usize).unwrap_or("");
        LineCol { line: to_u32(line + 1), col: to_u32(before.chars().count() + 1) }
    }

    /// The bytes of line `line` (from 1), without its line break.
    pub fn line_span(&self, line: u32) -> Span {
        let starts = self.line_starts();
        let at = (line.max(1) - 1) as usize;
        let start = starts.get(at).copied().unwrap_or(to_u32(self.text.len()));
        let end = starts.get(at + 1).map_or(to_u32(self.text.len()), |next| next - 1);
        let end = if end > start && self.text.as_bytes()[end as usize - 1] == b'\r' { end - 1 } else { end };
        Span::new(start, end.max(start))
    }

    /// How many lines there are; the empty one after a final line break counts.
    pub fn lines(&self) -> u32 {
        to_u32(self.line_starts().len())
    }

    /// The text of a span, empty when it is out of range.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }
}

/// All sources of one run.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a source and gives its id.
    pub fn add(&mut self, source: Source) -> FileId {
        self.files.push(source);
        FileId(to_u32(self.files.len() - 1))
    }

    /// The source of an id made by [`Sources::add`].
    pub fn get(&self, id: FileId) -> &Source {
        &self.files[id.0 as usize]
    }

    /// Drops the text of a source that nothing points into any more. Its id is not given again.
    pub fn release(&mut self, id: FileId) {
        let source = &mut self.files[id.0 as usize];
        *source = Source::new(std::mem::take(&mut source.name), String::new());
    }

    /// All sources with their ids, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(to_u32(at)), file))
    }

    /// Number of sources.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True before the first [`Sources::add`].
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Offsets are 32 bits: the input limit ([`super::limits`]) keeps every text far below 4 GiB.
pub fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_character_columns() {
        let source = Source::new("x", "a: ä\nb: 1\r\n".into());
        assert_eq!(source.line_col(0), LineCol { line: 1, col: 1 });
        assert_eq!(source.line_col(5), LineCol { line: 1, col: 5 });
        assert_eq!(source.line_col(6), LineCol { line: 2, col: 1 });
        assert_eq!(source.line_col(99), LineCol { line: 3, col: 1 });
        assert_eq!(source.slice(source.line_span(2)), "b: 1");
        assert_eq!(source.slice(source.line_span(1)), "a: ä");
    }
}

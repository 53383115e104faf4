//! Text that stands inside a larger file (a Markdown fence, a here-document) and the way back to the file's offsets.

use std::ops::Range;

/// A piece of text copied out of a file, maybe with the indentation taken off.
///
/// Every run of bytes that was copied unchanged is remembered with its place in the file. Text without indentation is one
/// run, so that the way back is one addition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Embedded {
    text: String,
    /// (offset in `text`, offset in the file), ascending in both.
    runs: Vec<(usize, usize)>,
}

impl Embedded {
    /// Text that stands in the file as it is, from byte `base` on.
    pub fn verbatim(text: &str, base: usize) -> Self {
        let mut embedded = Self::default();
        embedded.push(text, base);
        embedded
    }

    /// Appends text that stands at byte `at` of the file. Text that continues the last run extends it.
    pub fn push(&mut self, text: &str, at: usize) {
        if text.is_empty() {
            return;
        }
        let continues = self.runs.last().is_some_and(|(start, file)| file + (self.text.len() - start) == at);
        if !continues {
            self.runs.push((self.text.len(), at));
        }
        self.text.push_str(text);
    }

    /// The text without the indentation.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when there is no text.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The offset in the file of the byte at `at`; past the end it is the end.
    pub fn offset(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let next = self.runs.partition_point(|(start, _)| *start <= at);
        self.runs.get(next.wrapping_sub(1)).map_or(0, |(start, file)| file + (at - start))
    }

    /// The range in the file. Its end directly follows the last byte, rather than an indentation after that.
    pub fn range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.offset(range.start);
        let end = if range.end > range.start { self.offset(range.end - 1) + 1 } else { start };
        start..end
    }

    /// Turns the offsets of an embedded file (this text stands in `within`, which stands in a file) into those of the file.
    pub fn relocate(&mut self, within: &Self) {
        let mut moved = Self::default();
        for (index, (start, at)) in self.runs.iter().enumerate() {
            let end = self.runs.get(index + 1).map_or(self.text.len(), |(next, _)| *next);
            moved.append(&within.slice(*at..at + (end - start)));
        }
        *self = moved;
    }

    /// Appends text of the same file.
    pub fn append(&mut self, part: &Self) {
        for (index, (start, file)) in part.runs.iter().enumerate() {
            let end = part.runs.get(index + 1).map_or(part.text.len(), |(next, _)| *next);
            self.push(&part.text[*start..end], *file);
        }
    }

    /// A part of the text, still with its way back to the file. Empty when the range cuts a character or is out of bounds.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut part = Self::default();
        let mut at = range.start;
        while at < range.end {
            let next = self.runs.partition_point(|(start, _)| *start <= at);
            let stop = self.runs.get(next).map_or(range.end, |(start, _)| *start).min(range.end);
            let Some(text) = self.text.get(at..stop) else { return Self::default() };
            part.push(text, self.offset(at));
            at = stop;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dedented() -> Embedded {
        // In the file: "> ab\n> cd\n", from byte 0.
        let mut embedded = Embedded::default();
        embedded.push("ab\n", 2);
        embedded.push("cd\n", 7);
        embedded
    }

    #[test]
    fn unchanged_text_is_one_run() {
        let mut embedded = Embedded::verbatim("ab\n", 10);
        embedded.push("cd\n", 13);
        assert_eq!(embedded, Embedded::verbatim("ab\ncd\n", 10));
        assert_eq!(embedded.offset(4), 14);
        assert_eq!(embedded.offset(99), 16);
    }

    #[test]
    fn positions_skip_the_indentation() {
        let embedded = dedented();
        assert_eq!(embedded.text(), "ab\ncd\n");
        assert_eq!((embedded.offset(1), embedded.offset(3), embedded.offset(4)), (3, 7, 8));
    }

    #[test]
    fn a_range_ends_before_the_next_indentation() {
        let embedded = dedented();
        assert_eq!(embedded.range(0..3), 2..5);
        assert_eq!(embedded.range(1..4), 3..8);
        assert_eq!(embedded.range(3..3), 7..7);
    }

    #[test]
    fn a_slice_keeps_the_way_back() {
        let part = dedented().slice(1..5);
        assert_eq!(part.text(), "b\ncd");
        assert_eq!((part.offset(0), part.offset(2)), (3, 7));
        assert!(dedented().slice(2..99).is_empty());
    }

    #[test]
    fn text_in_text_in_a_file_is_relocated() {
        let mut inner = Embedded::verbatim("b\ncd\n", 1);
        inner.relocate(&dedented());
        assert_eq!(inner.text(), "b\ncd\n");
        assert_eq!((inner.offset(0), inner.offset(2)), (3, 7));
    }
}

//! The short way through nearly every manifest: printable ASCII in block style, each scalar on one line.
//!
//! It finds the same parts with the same places as the YAML parser, many times faster (docs/performance.md), and gives up
//! at the first thing that it does not know: text over several lines, escapes, anchors, tags, tabs, mistakes. The YAML
//! parser then reads the document from its start, so nothing here has to explain an error.

use granit_parser::ScalarStyle;

use super::Document;
use super::builder::Builder;
use crate::manifests::source::{Span, to_u32};

/// Longer keys are left to the YAML parser, which has a limit on them.
const LONGEST_KEY: usize = 256;

/// Reads the document of `text` that begins at `from` and ends with the text. `None` when it is not simple enough; the
/// inner `None` for an empty document.
#[allow(clippy::option_option, reason = "not simple, empty, or a document")]
pub(super) fn read(text: &str, from: usize, builder: &mut Builder<'_>) -> Option<Option<Document>> {
    let simple = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if !text.as_bytes()[from..].iter().all(simple) {
        return None;
    }
    builder.reset();
    Reader { text, bytes: text.as_bytes(), line: from, at: from, builder }.document(from)
}

/// A scalar, with its quotes.
#[derive(Clone, Copy)]
struct Scalar {
    start: usize,
    end: usize,
    style: ScalarStyle,
    /// True when a colon follows that makes it a key.
    key: bool,
}

struct Reader<'t, 'b, 'l> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where the current line starts.
    line: usize,
    /// The next byte to read, never a space; past the last byte at the end.
    at: usize,
    builder: &'b mut Builder<'l>,
}

impl Reader<'_, '_, '_> {
    #[allow(clippy::option_option, reason = "as for `read`")]
    fn document(&mut self, from: usize) -> Option<Option<Document>> {
        if self.bytes[from..].starts_with(b"---") {
            self.next_line(from + 3)?;
        } else {
            self.first_line(from);
        }
        if self.column().is_some() {
            self.node()?;
        }
        self.column().is_none().then(|| self.builder.finish())
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn past_spaces(&self, mut at: usize) -> usize {
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    /// Column of the next byte, from 0; nothing at the end, which is thus less than any column.
    fn column(&self) -> Option<usize> {
        (self.at < self.bytes.len()).then(|| self.at - self.line)
    }

    /// True at the dash of a list item.
    fn at_dash(&self, at: usize) -> bool {
        self.byte(at) == b'-' && matches!(self.byte(at + 1), b' ' | b'\n')
    }

    /// Goes to the first line with content, of those that start at `line` or later.
    fn first_line(&mut self, mut line: usize) {
        loop {
            let at = self.past_spaces(line);
            match self.byte(at) {
                b'#' => line = self.end_of_line(at) + 1,
                b'\n' if at < self.bytes.len() => line = at + 1,
                _ => {
                    self.line = line;
                    self.at = at;
                    return;
                }
            }
        }
    }

    /// Goes to the next line with content, when nothing but a comment follows at `at`.
    fn next_line(&mut self, at: usize) -> Option<()> {
        let rest = self.past_spaces(at);
        match self.byte(rest) {
            b'\n' => self.first_line(rest + 1),
            b'#' if self.byte(rest - 1) == b' ' => self.first_line(self.end_of_line(rest) + 1),
            _ => return None,
        }
        Some(())
    }

    fn end_of_line(&self, at: usize) -> usize {
        self.bytes[at.min(self.bytes.len())..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.bytes.len(), |n| at + n)
    }

    /// A collection that begins at the next byte.
    fn node(&mut self) -> Option<()> {
        if self.at_dash(self.at) {
            return self.sequence(false);
        }
        let first = self.scalar_at(self.at)?;
        if first.key { self.mapping(first) } else { None }
    }

    fn mapping(&mut self, first: Scalar) -> Option<()> {
        let column = self.column()?;
        self.builder.open_mapping(0, empty(self.at)).ok()?;
        let mut key = first;
        loop {
            self.put(key)?;
            self.value(column, key.end)?;
            match self.column() {
                now if now < Some(column) => break,
                Some(now) if now == column => key = self.scalar_at(self.at).filter(|scalar| scalar.key)?,
                _ => return None,
            }
        }
        self.builder.close(empty(self.at)).ok()
    }

    /// The value of a key of a mapping at `column`; the key's colon is at `colon`.
    fn value(&mut self, column: usize, colon: usize) -> Option<()> {
        let at = self.past_spaces(colon + 1);
        if !matches!(self.byte(at), b'\n' | b'#') {
            return self.inline(at, column);
        }
        self.next_line(at)?;
        match self.column() {
            Some(now) if now > column => self.node(),
            Some(now) if now == column && self.at_dash(self.at) => self.sequence(true),
            _ => self.builder.scalar("~", ScalarStyle::Plain, 0, None, empty(colon)).ok(),
        }
    }

    /// A list whose first dash is the next byte. `in_mapping` when the dashes stand in the column of a mapping's keys.
    fn sequence(&mut self, in_mapping: bool) -> Option<()> {
        let column = self.column()?;
        self.builder.open_sequence(0, empty(self.at)).ok()?;
        loop {
            self.item(column)?;
            match self.column() {
                now if now < Some(column) => break,
                Some(now) if now == column && self.at_dash(self.at) => {}
                Some(now) if now == column && in_mapping => break,
                _ => return None,
            }
        }
        self.builder.close(empty(self.at)).ok()
    }

    fn item(&mut self, column: usize) -> Option<()> {
        let at = self.past_spaces(self.at + 1);
        if matches!(self.byte(at), b'\n' | b'#') {
            self.next_line(at)?;
            return if self.column() > Some(column) { self.node() } else { None };
        }
        if !self.at_dash(at) && !matches!(self.byte(at), b'[' | b'{') {
            let scalar = self.scalar_at(at)?;
            if !scalar.key {
                self.put(scalar)?;
                return self.after_inline(scalar.end, column);
            }
            self.at = at;
            return self.mapping(scalar);
        }
        if self.at_dash(at) {
            self.at = at;
            return self.sequence(false);
        }
        self.inline(at, column)
    }

    /// A value that ends on its line, inside a collection at `column`.
    fn inline(&mut self, at: usize, column: usize) -> Option<()> {
        let end = match self.byte(at) {
            b'[' | b'{' => self.flow(at)?,
            _ => {
                let scalar = self.scalar_at(at).filter(|scalar| !scalar.key)?;
                self.put(scalar)?;
                scalar.end
            }
        };
        self.after_inline(end, column)
    }

    /// A deeper line would continue the value.
    fn after_inline(&mut self, end: usize, column: usize) -> Option<()> {
        self.next_line(end)?;
        (self.column() <= Some(column)).then_some(())
    }

    fn put(&mut self, scalar: Scalar) -> Option<()> {
        let quotes = usize::from(scalar.style != ScalarStyle::Plain);
        let text = self.text.get(scalar.start + quotes..scalar.end - quotes)?;
        let span = Span::new(to_u32(scalar.start), to_u32(scalar.end));
        self.builder.scalar(text, scalar.style, 0, None, span).ok()
    }

    /// The scalar that begins at `at`, and whether it is a key.
    fn scalar_at(&self, at: usize) -> Option<Scalar> {
        let scalar = match self.byte(at) {
            b'"' | b'\'' => {
                let (end, style) = self.quoted(at)?;
                let key = self.byte(end) == b':' && matches!(self.byte(end + 1), b' ' | b'\n');
                Scalar { start: at, end, style, key }
            }
            b'-' if matches!(self.byte(at + 1), b' ' | b'\n' | b'-') => return None,
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@'
            | b'`' | b'\n' => return None,
            _ => self.plain(at)?,
        };
        (!scalar.key || scalar.end - scalar.start <= LONGEST_KEY).then_some(scalar)
    }

    fn plain(&self, start: usize) -> Option<Scalar> {
        let scalar = |end, key| Some(Scalar { start, end, style: ScalarStyle::Plain, key });
        let mut at = start;
        // One past the last byte that is no space.
        let mut end = start;
        loop {
            match self.byte(at) {
                b'\n' => return scalar(end, false),
                b':' if matches!(self.byte(at + 1), b' ' | b'\n') => {
                    return if end == at { scalar(end, true) } else { None };
                }
                b'#' if end < at => return scalar(end, false),
                b' ' => at += 1,
                _ => {
                    at += 1;
                    end = at;
                }
            }
        }
    }

    /// The end of quoted text on one line without escapes.
    fn quoted(&self, start: usize) -> Option<(usize, ScalarStyle)> {
        let quote = self.byte(start);
        let inside = &self.bytes[start + 1..];
        let len = inside.iter().position(|byte| *byte == quote || matches!(byte, b'\\' | b'\n'))?;
        let end = start + 1 + len + 1;
        if inside[len] != quote {
            return None;
        }
        match quote {
            b'"' => Some((end, ScalarStyle::DoubleQuoted)),
            _ if self.byte(end) == quote => None,
            _ => Some((end, ScalarStyle::SingleQuoted)),
        }
    }

    /// A value in brackets, on one line; gives its end.
    fn flow(&mut self, at: usize) -> Option<usize> {
        match self.byte(at) {
            b'[' => {
                self.builder.open_sequence(0, one(at)).ok()?;
                self.flow_items(at, b']', Self::flow)
            }
            b'{' => {
                self.builder.open_mapping(0, one(at)).ok()?;
                self.flow_items(at, b'}', Self::flow_entry)
            }
            _ => self.flow_scalar(at),
        }
    }

    fn flow_items(&mut self, open: usize, closing: u8, item: fn(&mut Self, usize) -> Option<usize>) -> Option<usize> {
        let mut at = self.past_spaces(open + 1);
        let mut more = self.byte(at) != closing;
        while more {
            let end = item(self, at)?;
            at = self.past_spaces(end);
            more = self.byte(at) == b',';
            if more {
                at = self.past_spaces(at + 1);
            }
        }
        if self.byte(at) != closing {
            return None;
        }
        self.builder.close(one(at)).ok()?;
        Some(at + 1)
    }

    fn flow_entry(&mut self, at: usize) -> Option<usize> {
        let colon = self.flow_scalar(at)?;
        if self.byte(colon) != b':' || self.byte(colon + 1) != b' ' {
            return None;
        }
        self.flow(self.past_spaces(colon + 1))
    }

    /// Quoted text, or a word of characters that mean nothing in brackets.
    fn flow_scalar(&mut self, at: usize) -> Option<usize> {
        let scalar = match self.byte(at) {
            b'"' | b'\'' => {
                let (end, style) = self.quoted(at)?;
                Scalar { start: at, end, style, key: false }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'_' => {
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-');
                let len = self.bytes[at..].iter().position(|byte| !word(byte))?;
                Scalar { start: at, end: at + len, style: ScalarStyle::Plain, key: false }
            }
            _ => return None,
        };
        if scalar.end - scalar.start > LONGEST_KEY {
            return None;
        }
        self.put(scalar)?;
        Some(scalar.end)
    }
}

fn empty(at: usize) -> Span {
    Span::new(to_u32(at), to_u32(at))
}

fn one(at: usize) -> Span {
    Span::new(to_u32(at), to_u32(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::limits::Limits;

    fn is_read(text: &str) -> bool {
        read(text, 0, &mut Builder::new(text, &Limits::default())).is_some()
    }

    #[test]
    fn usual_manifests_are_read_here() {
        let texts = [
            "---\n# a comment\napiVersion: v1 # another\nkind: Service\n\nmetadata:\n  labels: {app: web}\n  annotations: {}\n",
            "spec:\n  ports:\n  - name: http\n    port: 80\n  - port: -1\n    name: 'it is'\n  hosts: [\"*.example.com\", b]\n",
            "a:\n  - - 1\n    - 2\n  -\n    b: \"q: # no comment\"\n  - http://host:80/path#part\nempty:\nlast: {b: [c, {d: e}]}",
            "---\n",
        ];
        for text in texts {
            assert!(is_read(text), "{text}");
        }
    }

    #[test]
    fn what_needs_more_yaml_is_left_to_the_parser() {
        let texts = [
            "a: b\n  c",
            "a: |\n  b\n",
            "a: \"\\n\"",
            "a: 'it''s'",
            "a: &x b",
            "a: *x",
            "a: !!int 1",
            "a: \u{e9}",
            "a:\tb",
            "? a",
            "a: b: c",
            "a: [b]#c",
            "a:\n b\n",
            "[a,\nb]",
            "a: [b, ]",
            "a: b\n- c",
            "a:\n  b: 1\n c: 2",
            "text",
            "- a\n-",
        ];
        for text in texts {
            assert!(!is_read(text), "{text}");
        }
    }
}

//! Whether a text still means the same after edits, but for the edits: every key and scalar that no edit touches must be
//! read again, at its place, with its value, under the same keys.

use std::ops::Range;

use super::edit::TextEdit;
use crate::manifests::embedded::Embedded;
use crate::manifests::input::Format;
use crate::manifests::limits::Limits;
use crate::manifests::parse::{Parsed, parse};
use crate::manifests::pieces::{self, Piece};
use crate::manifests::source::Span;
use crate::manifests::tree::{Node, Value};

/// What an edited text must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A document cannot be read any more.
    #[error("a document could not be read afterwards")]
    Unreadable,
    /// Documents disappear or appear.
    #[error("the number of documents would change")]
    Documents,
    /// Something else than what was edited means something else.
    #[error("values around the edit would change their meaning")]
    Meaning,
}

/// Compares the manifests in `old` with those in `new`, which is `old` after `edits` (sorted).
pub(super) fn check(name: &str, old: &str, new: &str, edits: &[TextEdit], limits: &Limits) -> Result<(), Damage> {
    let format = Format::of_name(name).unwrap_or_else(|| Format::of_text(old));
    let (before, after) = (read(old, format, limits), read(new, format, limits));
    let problems = |texts: &[Parsed]| texts.iter().map(|parsed| parsed.problems.len()).sum::<usize>();
    if problems(&after) > problems(&before) {
        return Err(Damage::Unreadable);
    }
    let documents = |texts: &[Parsed]| texts.iter().map(|parsed| parsed.documents.len()).sum::<usize>();
    if documents(&after) != documents(&before) {
        return Err(Damage::Documents);
    }
    let old_ranges: Vec<Range<usize>> = edits.iter().map(|edit| edit.range.clone()).collect();
    let new_ranges = moved(edits);
    let mut left = Atoms { touched: &old_ranges, shifts: &shifts(edits), found: Vec::new() };
    let mut right = Atoms { touched: &new_ranges, shifts: &[], found: Vec::new() };
    before.iter().flat_map(|parsed| &parsed.documents).for_each(|document| left.node(&document.root, 0));
    after.iter().flat_map(|parsed| &parsed.documents).for_each(|document| right.node(&document.root, 0));
    if left.found == right.found { Ok(()) } else { Err(Damage::Meaning) }
}

/// How far the text behind each edit moves: bytes added, bytes removed, by this edit and those before it.
fn shifts(edits: &[TextEdit]) -> Vec<(usize, usize)> {
    let mut sum = (0, 0);
    let shift = edits.iter().map(|edit| {
        sum = (sum.0 + edit.text.len(), sum.1 + edit.range.len());
        sum
    });
    shift.collect()
}

/// Where the inserted texts stand in the new text.
fn moved(edits: &[TextEdit]) -> Vec<Range<usize>> {
    let ranges = edits.iter().zip(shifts(edits)).map(|(edit, (added, removed))| {
        let end = edit.range.end + added - removed;
        end - edit.text.len()..end
    });
    ranges.collect()
}

/// Every manifest in the text.
fn read(text: &str, format: Format, limits: &Limits) -> Vec<Parsed> {
    if format == Format::Yaml {
        return vec![parse(text, limits)];
    }
    let pieces = match format {
        Format::Shell => vec![Piece::Script(Embedded::verbatim(text, 0))],
        _ => pieces::of_markdown(text),
    };
    let manifests = pieces.into_iter().flat_map(|piece| match piece {
        Piece::Manifest(content) => vec![content],
        Piece::Script(content) => pieces::of_script(&content).1,
        Piece::Misfenced { .. } => Vec::new(),
    });
    let located = manifests.map(|piece| {
        let mut parsed = parse(piece.text(), limits);
        parsed.relocate(&piece);
        parsed
    });
    located.collect()
}

/// A key or a scalar, at its place in the new text. `under` stands for the keys above it.
#[derive(Debug, PartialEq)]
struct Atom<'t> {
    range: Range<usize>,
    under: u64,
    key: Option<&'t str>,
    value: Option<&'t Value>,
}

/// Collects the atoms that no edit touches.
struct Atoms<'t, 'e> {
    touched: &'e [Range<usize>],
    shifts: &'e [(usize, usize)],
    found: Vec<Atom<'t>>,
}

impl<'t> Atoms<'t, '_> {
    fn node(&mut self, node: &'t Node, under: u64) {
        match &node.value {
            Value::Map(entries) if !entries.is_empty() => {
                for entry in entries {
                    let key = self.place(entry.key_span);
                    if let Some(range) = key.clone() {
                        self.found.push(Atom { range, under, key: Some(&entry.key), value: None });
                    }
                    self.node(&entry.node, below(under, key.map_or(u64::MAX, |range| range.start as u64)));
                }
            }
            Value::Seq(items) if !items.is_empty() => {
                let under = below(under, u64::MAX - 1);
                for item in items {
                    self.node(item, under);
                }
            }
            // A key whose last entry was removed has an empty value: nothing that anybody wrote.
            Value::Null if node.span.is_empty() => {}
            value => {
                if let Some(range) = self.place(node.span) {
                    self.found.push(Atom { range, under, key: None, value: Some(value) });
                }
            }
        }
    }

    /// Where the span is in the new text; nothing when an edit touches it.
    fn place(&self, span: Span) -> Option<Range<usize>> {
        let range = span.range();
        let next = self.touched.partition_point(|touched| touched.end < range.start);
        if self.touched.get(next).is_some_and(|touched| touched.start <= range.end) {
            return None;
        }
        let shift = next.checked_sub(1).and_then(|last| self.shifts.get(last));
        let (added, removed) = shift.copied().unwrap_or_default();
        Some(range.start + added - removed..range.end + added - removed)
    }
}

/// A number for a path: that of the path above and one more step.
fn below(under: u64, step: u64) -> u64 {
    (under ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fix::edit::apply;

    fn checked(name: &str, old: &str, what: &str, new: &str) -> Result<(), Damage> {
        let start = old.find(what).unwrap();
        let edits = [TextEdit::new(old, start..start + what.len(), new).unwrap()];
        check(name, old, &apply(old, &edits), &edits, &Limits::default())
    }

    #[test]
    fn honest_edits_pass() {
        let yaml = "a:\n  b: 1 # one\n  c: [x, y]\nd: {e: 1, f: 2}\ng: [1]\n";
        for (what, new) in [
            ("b: 1", ""),
            ("1 #", "2 #"),
            ("x", ""),
            ("y", "z"),
            ("e: 1", ""),
            ("f: 2", ""),
            ("g: [1]", ""),
            ("b", "h"),
        ] {
            assert_eq!(checked("a.yaml", yaml, what, new), Ok(()), "{what} -> {new}");
        }
        assert_eq!(checked("a.yaml", "a:\n  b: 1\nc: 2\n", "b: 1", ""), Ok(()));
        assert_eq!(checked("a.yaml", "a:\n- b: 1\n  c: 2\n", "b: 1", ""), Ok(()));
        assert_eq!(checked("a.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "\"b\": 2", ""), Ok(()));
    }

    #[test]
    fn damage_is_found() {
        let yaml = "a:\n  b: 1\n  c: 2\nd: 3\n";
        assert_eq!(checked("a.yaml", yaml, "1", "\"1"), Err(Damage::Unreadable));
        assert_eq!(checked("a.yaml", yaml, "3", "3\n---\ne: 4"), Err(Damage::Documents));
        // `c` would come to stand under `b`.
        assert_eq!(checked("a.yaml", yaml, "b: 1\n", "b:\n  "), Err(Damage::Meaning));
        // The rest of the line would become a comment.
        assert_eq!(checked("a.yaml", "a: [1, 2, 3]\n", "1,", "1] #"), Err(Damage::Meaning));
    }

    #[test]
    fn manifests_in_markdown_and_scripts_are_read_too() {
        let manifest = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: {x: y}\n";
        let markdown = format!("# T\n> ```yaml\n> {}\n> ```\n", manifest.trim_end().replace('\n', "\n> "));
        assert_eq!(checked("a.md", &markdown, "labels: {x: y}", ""), Ok(()));
        // The quote mark is missing in the new line, so the block ends there.
        assert_eq!(checked("a.md", &markdown, "name: a", "name: b\n  uid: c"), Err(Damage::Meaning));
        let script = format!("kubectl apply -f - <<'E'\n{manifest}E\n");
        assert_eq!(checked("a.sh", &script, "labels: {x: y}", ""), Ok(()));
        assert_eq!(checked("a.sh", &script, "name: a", "name: [a"), Err(Damage::Unreadable));
    }
}

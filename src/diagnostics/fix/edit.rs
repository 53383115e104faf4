//! Edits of one text: how far a removal reaches, which edits disagree, and the text after them.

use std::ops::Range;

/// A replacement in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextEdit {
    /// The bytes.
    pub range: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

impl TextEdit {
    /// An edit as an analyzer gives it. A removal takes the comma of a flow collection with it, and the whole line when
    /// nothing else stands there. Nothing when the range is not a range of `text`.
    pub fn new(text: &str, range: Range<usize>, replacement: &str) -> Option<Self> {
        let removed = text.get(range.clone())?;
        if !replacement.is_empty() || range.is_empty() {
            return Some(Self { range, text: replacement.to_owned() });
        }
        let range = range.start..range.start + removed.trim_end().len();
        let range = with_comma(text, range);
        Some(Self { range: with_line(text, range), text: String::new() })
    }

    /// True when both cannot be applied: they share bytes, or one inserts at an end of the other.
    pub fn disagrees(&self, other: &Self) -> bool {
        if self.range.is_empty() || other.range.is_empty() {
            self.range.start <= other.range.end && other.range.start <= self.range.end
        } else {
            self.range.start < other.range.end && other.range.start < self.range.end
        }
    }
}

/// In `{a: 1, b: 2}` an entry is removed with the comma after it, the last one with the comma before it.
fn with_comma(text: &str, range: Range<usize>) -> Range<usize> {
    let after = &text[range.end..];
    let next = after.trim_start();
    if next.starts_with(',') {
        let end = range.end + (after.len() - next.len()) + 1;
        let spaces = text[end..].len() - text[end..].trim_start_matches([' ', '\t']).len();
        return range.start..end + spaces;
    }
    let before = text[..range.start].trim_end();
    if next.starts_with(['}', ']']) && before.ends_with(',') { before.len() - 1..range.end } else { range }
}

/// The whole line or lines, with the last line break, when only spaces (and the marks of a Markdown quote) are left.
fn with_line(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    let is_blank = |part: &str| part.chars().all(|c| c.is_whitespace() || c == '>');
    if is_blank(&text[start..range.start]) && text[range.end..end].trim().is_empty() {
        start..(end + 1).min(text.len())
    } else {
        range
    }
}

/// The text after the edits, which are sorted and do not disagree.
pub(super) fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        result.push_str(&text[done..edit.range.start]);
        result.push_str(&edit.text);
        done = edit.range.end;
    }
    result.push_str(&text[done..]);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn removed(text: &str, what: &str) -> String {
        let start = text.find(what).unwrap();
        apply(text, &[TextEdit::new(text, start..start + what.len(), "").unwrap()])
    }

    #[test]
    fn a_removal_takes_the_line_when_nothing_else_is_on_it() {
        assert_eq!(removed("a: 1\n  b: 2\nc: 3\n", "b: 2"), "a: 1\nc: 3\n");
        assert_eq!(removed("a:\n  b:\n    c: 2\n  d: 3\n", "b:\n    c: 2\n"), "a:\n  d: 3\n");
        assert_eq!(removed("> a: 1\r\n> b: 2\r\n> c: 3\r\n", "b: 2"), "> a: 1\r\n> c: 3\r\n");
        assert_eq!(removed("a: 1\nb: 2", "b: 2"), "a: 1\n");
    }

    #[test]
    fn a_removal_leaves_comments_and_list_marks() {
        assert_eq!(removed("a: 1\nb: 2 # why\nc: 3\n", "b: 2"), "a: 1\n # why\nc: 3\n");
        assert_eq!(removed("- a: 1\n  b: 2\n", "a: 1"), "- \n  b: 2\n");
    }

    #[test]
    fn a_removal_in_a_flow_collection_takes_one_comma() {
        assert_eq!(removed("x: {a: 1, b: 2}\n", "a: 1"), "x: {b: 2}\n");
        assert_eq!(removed("x: {a: 1, b: 2}\n", "b: 2"), "x: {a: 1}\n");
        assert_eq!(removed("x: [a]\n", "a"), "x: []\n");
        assert_eq!(removed("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "\"b\": 2"), "{\n  \"a\": 1\n}\n");
        assert_eq!(removed("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "\"a\": 1"), "{\n  \"b\": 2\n}\n");
    }

    #[test]
    fn edits_that_share_bytes_or_a_place_disagree() {
        let edit = |range| TextEdit { range, text: "x".into() };
        assert!(edit(0..3).disagrees(&edit(2..4)));
        assert!(!edit(0..3).disagrees(&edit(3..4)));
        assert!(edit(3..3).disagrees(&edit(3..4)));
        assert!(edit(3..3).disagrees(&edit(3..3)));
        assert!(!edit(3..3).disagrees(&edit(4..5)));
    }

    proptest! {
        /// Outside of the ranges the bytes are those of the old text, in order.
        #[test]
        fn nothing_changes_outside_of_the_edits(
            text in "[a-c:,{} \n]{0,40}",
            cuts in proptest::collection::btree_set(0_usize..40, 0..8),
            words in proptest::collection::vec("[x-z]{0,3}", 4),
        ) {
            let cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            let mut edits: Vec<TextEdit> = Vec::new();
            for (pair, word) in cuts.chunks_exact(2).zip(&words) {
                let edit = TextEdit::new(&text, pair[0]..pair[1], word).unwrap();
                prop_assert!(edit.range.end <= text.len() && edit.range.start <= edit.range.end);
                if edits.iter().all(|other| !other.disagrees(&edit)) {
                    edits.push(edit);
                }
            }
            edits.sort_by_key(|edit| edit.range.start);
            let result = apply(&text, &edits);
            let (mut old, mut new) = (0, 0);
            for edit in &edits {
                let kept = edit.range.start - old;
                prop_assert_eq!(&text[old..old + kept], &result[new..new + kept]);
                prop_assert!(result[new + kept..].starts_with(&edit.text));
                old = edit.range.end;
                new += kept + edit.text.len();
            }
            prop_assert_eq!(&text[old..], &result[new..]);
        }
    }
}

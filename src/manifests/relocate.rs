//! Moves a parsed text that is embedded in a file to the offsets of that file.

use super::embedded::Embedded;
use super::parse::{Parsed, Trap};
use super::source::{Span, to_u32};
use super::tree::{Node, Value};

impl Parsed {
    /// Turns every span of the text that `within` holds into one of the file that `within` was taken from.
    pub fn relocate(&mut self, within: &Embedded) {
        let file = |span: &mut Span| {
            let range = within.range(span.range());
            *span = Span::new(to_u32(range.start), to_u32(range.end));
        };
        for document in &mut self.documents {
            node(&mut document.root, &file);
            for trap in &mut document.traps {
                match trap {
                    Trap::DuplicateKey { first, again, .. } => [first, again].into_iter().for_each(file),
                    Trap::KeyReadAs { span, .. } | Trap::ScalarReadAs { span, .. } => file(span),
                }
            }
        }
        self.problems.iter_mut().for_each(|problem| file(&mut problem.span));
        self.comments.iter_mut().for_each(|comment| file(&mut comment.span));
    }
}

/// Documents are at most as deep as the limit of the reader, so that recursion ends in time.
fn node(tree: &mut Node, file: &impl Fn(&mut Span)) {
    file(&mut tree.span);
    match &mut tree.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| node(item, file)),
        Value::Map(entries) => {
            for entry in entries {
                file(&mut entry.key_span);
                node(&mut entry.node, file);
            }
        }
        _ => {}
    }
}

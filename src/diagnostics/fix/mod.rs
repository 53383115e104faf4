//! Applies the safe edits of findings to the files they are in: comments and layout stay, and a file is written only when
//! it still reads the same but for the edits.

mod check;
mod edit;
mod plan;
mod show;

use crate::diagnostics::Edit;
use crate::manifests::source::{Source, Span, to_u32};

pub use plan::{Applied, Change, Plan, Refused, plan};
pub use show::{render_diff, render_refused};

/// The bytes that an edit really replaces: a removal takes its line or its comma with it.
pub fn reach(source: &Source, edit: &Edit) -> Span {
    match edit::TextEdit::new(&source.text, edit.at.span.range(), &edit.text) {
        Some(exact) => Span::new(to_u32(exact.range.start), to_u32(exact.range.end)),
        None => edit.at.span,
    }
}

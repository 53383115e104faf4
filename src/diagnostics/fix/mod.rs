//! Applies the safe edits of findings to the files they are in: comments and layout stay, and a file is written only when
//! it still reads the same but for the edits.

mod check;
mod edit;
mod plan;
mod show;

pub use plan::{Applied, Change, Plan, Refused, plan};
pub use show::{render_diff, render_refused};

//! Silencing findings that are right but wanted: `--suppress`, annotations on the object, comments at the place.

mod annotation;
mod apply;
pub mod codes;
pub mod comment;
mod glob;
mod rule;

pub use annotation::{ANNOTATIONS, OWN_ANNOTATION, words};
pub use apply::{Outcome, apply};
pub use rule::{Rule, RuleError, near_code};

//! Structure: fields, types and rules of the kinds themselves, found while reading.

mod fate;
pub mod fields;
pub mod keys;
mod misnomers;
pub mod names;
pub mod scalars;
pub mod twice;
pub mod unreadable;
pub mod values;
pub mod versions;

use crate::diagnostics::{Diagnostic, Resource};
use crate::dialects::model::Trapped;

/// Names the object of a trap, as far as its document has names.
fn trapped<'d>(finding: &'d mut Diagnostic, found: &Trapped) -> &'d mut Diagnostic {
    if !found.kind.is_empty() {
        finding.resource = Some(Resource {
            kind: found.kind.clone(),
            namespace: found.namespace.clone(),
            name: found.name.clone(),
            cluster: None,
        });
    }
    finding
}

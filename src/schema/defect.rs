//! What reading a typed manifest can find wrong with its structure.

use super::values::Text;
use crate::manifests::source::{Place, Span};

/// One structural defect of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Defect {
    /// What is wrong.
    pub kind: DefectKind,
    /// The bytes to underline: the key of an unknown field, the value otherwise.
    pub span: Span,
    /// Key and value together, for edits.
    pub place: Place,
    /// The field's path, as `spec.http[0].timeout`.
    pub path: String,
}

/// The kinds of structural defects.
#[derive(Debug, Clone, PartialEq)]
pub enum DefectKind {
    /// A field that the type does not have.
    UnknownField {
        /// The field as written.
        name: String,
        /// The fields that the type has.
        known: Vec<&'static str>,
        /// Those of them that are not set here and whose type can hold this value: what a rename may use.
        free: Vec<&'static str>,
        /// The keys inside its value, when that is a mapping.
        inside: Vec<Text>,
    },
    /// A value of another type than the field's.
    WrongType {
        /// What the field wants.
        expected: String,
        /// What stands there.
        found: &'static str,
    },
    /// A word that is not one of the allowed ones.
    NotAllowed {
        /// What stands there.
        value: String,
        /// The allowed words.
        allowed: Vec<&'static str>,
    },
    /// A value of the right type that breaks a rule (range, length, pattern, format).
    Invalid {
        /// The broken rule, as a clause: `must be at least 1`.
        reason: String,
    },
    /// A field that must be there is not.
    Missing {
        /// The field.
        name: &'static str,
    },
    /// Fields that exclude each other, or of which one must be set; or a rule over several fields.
    Conflict {
        /// What is wrong, as a sentence without a full stop.
        reason: String,
    },
}

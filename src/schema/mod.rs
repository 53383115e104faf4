//! Typed manifests: one declaration a message gives the Rust type, the reader with its structural checks, and the schema.
//!
//! `message!` declares a mapping, `choice!` an enumeration. Reading never fails as a whole: what does not fit becomes a
//! [`Defect`] at its place, and the field stays unset, so that analyzers see everything else.

pub mod defect;
pub mod leaf;
pub mod message;
pub mod reader;
pub mod rules;
pub mod values;

pub use defect::{Defect, DefectKind};
pub use leaf::{Any, IntOrString, Opaque, Period};
pub use message::{FieldDef, Schema};
pub use reader::{Field, Leaf, LeafError, Reader, Shape};
pub use rules::{MessageRule, Rule};
pub use values::{At, Int, List, Map, Number, Proto, Text};

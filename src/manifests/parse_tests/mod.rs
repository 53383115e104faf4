//! What holds for the manifest reader whatever it is given.
//!
//! - `documents.rs`: whole texts are read as kubectl's converter read them.
//! - `hostile.rs`: sizes and shapes made to hurt end in an error, soon.
//! - `properties.rs`: no text panics, spans fit the text, JSON and YAML read back the same.

mod documents;
mod hostile;
mod properties;

use super::limits::Limits;
use super::parse::{Parsed, parse};

fn read(text: &str) -> Parsed {
    parse(text, &Limits::default())
}

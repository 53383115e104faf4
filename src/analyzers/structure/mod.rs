//! Structure: fields, types and rules of the kinds themselves, found while reading.

pub mod fields;

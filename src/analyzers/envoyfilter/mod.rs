//! EnvoyFilters whose patches do not do what they seem to.

pub mod codes;
pub mod patch;

//! Sidecars against the pods they are for and against each other.

pub mod selector;

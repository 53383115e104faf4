//! Status conditions of objects read from a cluster.

pub mod negative;

//! The kinds of the Prometheus operator: what scrapes the mesh and what alerts on it.

pub mod types;

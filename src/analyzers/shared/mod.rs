//! What several analyzers ask the input.

pub mod in_mesh;
pub mod route_match;

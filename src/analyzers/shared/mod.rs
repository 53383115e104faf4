//! What several analyzers ask the input.

pub mod in_mesh;

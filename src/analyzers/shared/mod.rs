//! What several analyzers ask the input.

pub mod in_mesh;
pub mod mesh_settings;
pub mod route_match;

//! What several analyzers ask the input.

pub mod cel;
pub mod hosts;
pub mod in_mesh;
pub mod mesh_settings;
pub mod policy_scope;
pub mod route_match;
pub mod visibility;

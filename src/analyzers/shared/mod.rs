//! What several analyzers ask the input.

pub mod cel;
pub mod certificates;
pub mod control_plane;
pub mod gateways;
pub mod hosts;
pub mod in_mesh;
pub mod label_index;
pub mod label_selector;
pub mod mesh_settings;
pub mod mutual_tls;
pub mod pods_known;
pub mod policy_scope;
pub mod provider_uses;
pub mod route_match;
pub mod suggestions;
pub mod visibility;

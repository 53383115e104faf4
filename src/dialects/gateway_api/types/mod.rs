//! Gateway API kinds as typed manifests, as far as mesh rules read them; other fields are accepted as they are.

mod gateway;
mod route;

pub use gateway::*;
pub use route::*;

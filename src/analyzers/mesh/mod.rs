//! Settings of the mesh as a whole.

pub mod networks;
pub mod operator;
pub mod overwritten;
pub mod tracing_port;

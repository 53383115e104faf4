//! Settings of the mesh as a whole.

pub mod networks;

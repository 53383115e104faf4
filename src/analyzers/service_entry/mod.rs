//! ServiceEntries against the settings of the mesh and against each other.

pub mod conflicting_protocol;
pub mod protocol_addresses;

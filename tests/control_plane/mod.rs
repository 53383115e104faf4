//! The control plane as its clients see it.

mod certificates;
mod client;
mod debug;
mod delta;
pub mod plane;
mod world;

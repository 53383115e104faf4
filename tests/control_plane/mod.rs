//! The control plane as its clients see it.

mod client;
mod delta;
mod plane;
mod world;

//! The one test binary of the proxy crate.

mod descriptors;
mod differential;

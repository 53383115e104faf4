//! Sidecar injection: namespaces, pods without their proxy, and the proxy's image.

pub mod image;
pub mod image_auto;
mod injector;
pub mod namespaces;

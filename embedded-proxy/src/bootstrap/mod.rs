//! The bootstrap file: who the proxy is, what it starts with, where more comes from.

mod admin;
mod dynamic;
mod node;
mod overload;
mod read;
mod runtime;

pub use admin::Admin;
pub use dynamic::Dynamic;
pub use node::Node;
pub use overload::Overload;
pub use read::{BOOTSTRAP, Bootstrap, Part};
pub use runtime::Runtime;

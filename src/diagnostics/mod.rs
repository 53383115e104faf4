//! Findings: their codes, their places, their fixes. Renderers live in [`render`].

pub mod baseline;
pub mod code;
pub mod diagnostic;
pub mod fingerprint;
pub mod fix;
mod order;
mod page;
pub mod render;
mod sentence;
pub mod sink;
pub mod suppress;

pub use code::{Code, Level};
pub use diagnostic::{Diagnostic, Edit, Location, Related, Resource};
pub use order::sort;
pub use sink::{Sink, Undecided};

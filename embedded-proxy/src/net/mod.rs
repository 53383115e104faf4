//! Byte streams under HTTP and TCP.

mod drain;
mod io;

pub use drain::{Drain, DrainControl, Phase};
pub use io::Io;

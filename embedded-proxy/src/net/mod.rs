//! Byte streams under HTTP and TCP.

mod io;

pub use io::Io;

//! Byte streams under HTTP and TCP.

mod address;
mod counted;
mod drain;
mod io;
mod local;
mod options;
mod tcp;

pub use address::{Address, system_path};
pub use counted::Counted;
pub use drain::{Drain, DrainControl, Phase};
pub use io::Io;
pub use local::local_address;
pub use options::{Keepalive, SocketOption, SocketState, set_freebind, set_options, set_transparent};
pub use tcp::Tcp;

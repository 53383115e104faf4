//! A whole proxy: its threads, what it is assembled from, and its life from start to the last connection.

mod assemble;
#[cfg(test)]
mod hostile_tests;
mod initialise;
mod life;
mod memory;
mod options;
mod proxy;
mod stats;
mod steer;
#[cfg(test)]
mod tests;
mod threads;

pub use life::{Ask, Life, Stage};
pub use memory::now as memory;
pub use options::Options;
pub use proxy::Server;
pub use stats::ServerStats;

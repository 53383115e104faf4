//! Upstream connections: how they are made, kept and shared, and requests sent over them.

mod active;
mod connect;
mod cx;
mod host_pools;
mod http_options;
mod internal;
mod key;
mod multiplexed;
#[allow(clippy::module_inception)]
mod pool;
mod proxy_header;
mod send;
mod stats;
mod sweep;
mod terminate;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;
mod upstream;

pub use host_pools::HostPools;
pub use http_options::{AutoNames, CommonOptions, HttpOptions, Protocol};
pub use proxy_header::ProxyHeader;
pub use send::{Answer, ConnectFacts, Priority, SendOptions};
pub use stats::PoolStats;
pub use transport::{Transport, Transports};
pub use tunnel::Tunnelled;
pub use upstream::{TcpOptions, Upstream};

//! What is known about a connection and about one exchange on it: the facts that filters, logs and metrics read.

mod connection;
mod exchange;
mod flag;
mod info;
mod sharing;

pub use connection::{Connection, Direction, Tls};
pub use exchange::{Exchange, RepliesAsHttp, Scratch, StickyHost, UpstreamAlpn};
pub use flag::{Flag, Flags};
pub use info::{StreamInfo, UpstreamInfo};
pub use sharing::{Passed, Sharing, passed};

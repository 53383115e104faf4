//! The HTTP connection manager: what happens to a request around the filters.

mod authority;
mod client_cert;
mod config;
mod connections;
mod dynamic;
mod filters;
mod forwarded;
mod limits;
mod local_reply;
mod path;
mod read;
mod request_id;
mod response;
mod routes;
mod scoped;
mod serve;
mod served;
mod stats;
mod upgrade;

pub use authority::HostRules;
pub use client_cert::{ClientCert, Forward};
pub use config::{Codec, Http1Options, Http2Options, Keepalive, Timeouts, Underscores};
pub use connections::{ConnectionCount, ConnectionStats};
pub use filters::Filters;
pub use forwarded::{Forwarding, Origin};
pub use limits::Overdue;
pub use local_reply::LocalReplies;
pub use path::{EscapedSlashes, Normalized, PathRules};
pub use read::Hcm;
pub use request_id::RequestIds;
pub use response::ResponseRules;
pub use routes::RouteSource;
pub use served::{Served, drop_as_reset};
pub use stats::HcmStats;
pub use upgrade::Upgrade;

//! Routing: which route a request takes, and what the route says about it.

mod action;
pub(crate) mod cookie;
mod describe;
mod direct;
mod domains;
mod edits;
mod entry;
mod hash;
mod hit;
mod input;
mod internal_redirect;
mod matcher;
mod mirror;
pub mod names;
mod path;
mod per_filter;
mod rate_limit;
mod redirect;
mod retry;
mod retry_on;
mod rewrite;
mod scope;
mod stats;
mod table;
mod template;
#[cfg(test)]
pub(crate) mod tests;
mod timeouts;
mod upgrade;
mod virtual_host;
mod weighted;

pub use action::{Action, Forward, Target};
pub use describe::Passed;
pub use direct::DirectResponse;
pub use domains::{Domains, port_start, without_port};
pub use edits::{Addition, Append, Edits, HeaderEdits, Values};
pub use entry::{Route, RouteTracing};
pub use hash::{HashPolicies, xxhash64};
pub use hit::RouteHit;
pub use input::Input;
pub use internal_redirect::InternalRedirects;
pub use matcher::RouteMatch;
pub use mirror::Mirror;
pub use path::{PathMatch, PathRule};
pub use per_filter::PerFilter;
pub use rate_limit::{Descriptor, Entry, RateLimit, RateLimitAction, RateLimits, read_key};
pub use redirect::Redirect;
pub use retry::{ResetBackOff, RetryPolicy};
pub use retry_on::RetryOn;
pub use rewrite::{HostRewrite, PathRewrite};
pub use scope::{Scope, ScopeTable, Scopes};
pub use stats::TrafficStats;
pub use table::RouteTable;
pub use template::{Template, TemplateRewrite};
pub use timeouts::{RouteTimeouts, StreamDuration, grpc_timeout, to_grpc_timeout};
pub use upgrade::{Connect, NO_UDP, Upgrade, is_udp};
pub use virtual_host::{RequireTls, VirtualHost};
pub use weighted::{ClusterName, Weighted, WeightedClusters};

use http::HeaderName;

use crate::matching::Field;
use crate::proto::Reader;
use stats::RouteStats;

/// Reads a text that has to be the name of a header field.
fn need_field(reader: &Reader<'_>, field: &str) -> Option<Field> {
    let name = reader.need_text(field)?;
    let read = Field::new(&name);
    if read.is_none() {
        reader.defect(field, format!("{name:?} is not a name of a header field"));
    }
    read
}

/// Reads a text that has to be the name of a field that is no pseudo header.
fn need_name(reader: &Reader<'_>, field: &str) -> Option<HeaderName> {
    header_name(reader, field, &reader.need_text(field)?)
}

/// A text of `field` as the name of a header field.
fn header_name(reader: &Reader<'_>, field: &str, name: &str) -> Option<HeaderName> {
    let read = HeaderName::from_bytes(name.as_bytes()).ok();
    if read.is_none() {
        reader.defect(field, format!("{name:?} is not a name of a header field"));
    }
    read
}

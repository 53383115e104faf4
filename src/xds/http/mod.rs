//! HTTP routes in Envoy's messages: used by the outbound side and by gateways.

mod edit;
mod filters;
mod forward;
mod matching;
mod redirect;
mod retry;
mod rule;
mod split;

pub use edit::headers;
pub use matching::{header, route_match};
pub use rule::{Place, default_route, match_all, routes};

//! The router: sends the request where its route says, again where the retry policy says, and answers when that fails.

mod attempt;
mod config;
mod failure;
mod follow;
mod forward;
mod prepare;
mod replay;
mod retry;
mod serve;
mod shadow;
mod strict;
mod tail;
#[cfg(test)]
mod tests;
mod timeouts;
mod timer;

pub use config::Router;
pub(crate) use failure::no_host;

use crate::route::RouteHit;
use crate::stream::Exchange;

/// The edits and rewrites of a route, for `decide`.
pub(crate) fn prepare(exchange: &mut Exchange, hit: &RouteHit) {
    prepare::prepare(exchange, hit, false);
}

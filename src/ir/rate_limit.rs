//! Limits of the rate of requests, counted in each proxy.

use std::time::Duration;

use super::{HeaderEdit, HttpMatch, Origin, Scope, Share};

/// A limit of requests to some servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// One port of the workload, or all.
    pub port: Option<u16>,
    /// Only requests like these; all when empty.
    pub matches: Vec<HttpMatch>,
    /// Requests that may come at once.
    pub burst: u32,
    /// Requests that are allowed again at each interval.
    pub refill: u32,
    /// The interval.
    pub interval: Duration,
    /// Status of the answer over the limit.
    pub status: u16,
    /// Headers of that answer.
    pub headers: HeaderEdit,
    /// Share of requests that count.
    pub enabled: Share,
    /// Share of requests over the limit that are refused.
    pub enforced: Share,
}

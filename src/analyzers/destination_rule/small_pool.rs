//! IST9005: a connection pool for HTTP that refuses requests under ordinary load.

use super::policies::policies;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::ConnectionPoolSettings;
use crate::dialects::object::Meta;
use crate::schema::Int;

declare_code! {
    /// A tiny connection pool
    ///
    /// ## Why
    ///
    /// The limits hold for each calling proxy, and what goes beyond them is refused with 503 (UO) at once. Ten
    /// connections or ten waiting requests are used up by a small burst. Few requests per connection make it worse: each
    /// new connection costs a handshake.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     connectionPool:
    ///       tcp:
    ///         maxConnections: 10
    ///       http:
    ///         http1MaxPendingRequests: 10
    ///         maxRequestsPerConnection: 2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     connectionPool:
    ///       tcp:
    ///         maxConnections: 1000
    ///       http:
    ///         http1MaxPendingRequests: 1000
    /// ```
    ///
    /// ## Fix
    ///
    /// Take the limits from measured load with room for bursts. If the small pool is there on purpose (a test of circuit
    /// breaking), say so: `# meshctl:ignore IST9005 test of circuit breaking`.
    pub SMALL_POOL = "IST9005", "SmallConnectionPool", Warning
}

/// Checks the connection pools of every DestinationRule.
pub static ANALYZER: Analyzer = Analyzer {
    name: "destinationrule.SmallConnectionPool",
    summary: "Connection pools for HTTP are not tiny",
    codes: &[&SMALL_POOL],
    run,
    default: true,
};

/// Limits up to this are tiny.
const TINY: i64 = 10;

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.destination_rules {
        for policy in policies(&object.spec) {
            if let Some(pool) = policy.connection_pool {
                check(&object.meta, pool, sink);
            }
        }
    }
}

fn check(meta: &Meta, pool: &ConnectionPoolSettings, sink: &mut Sink) {
    // A pool without HTTP limits may be for a database, where few connections are usual.
    let Some(http) = &pool.http else { return };
    let limits = [
        ("connections", pool.tcp.as_ref().and_then(|tcp| tcp.max_connections.as_ref())),
        ("waiting requests", http.http1_max_pending_requests.as_ref()),
        ("requests at once", http.http2_max_requests.as_ref()),
    ];
    let tiny: Vec<(&str, &Int)> = limits
        .into_iter()
        .filter_map(|(name, limit)| limit.filter(|limit| (1..=TINY).contains(&limit.value)).map(|limit| (name, limit)))
        .collect();
    let Some(((_, first), rest)) = tiny.split_first() else { return };
    let list: Vec<String> = tiny.iter().map(|(name, limit)| format!("{} {name}", limit.value)).collect();
    let finding = sink
        .report(
            &SMALL_POOL,
            meta,
            first.span(),
            format!("Each caller may only have {}; a small burst gets 503 (UO).", list.join(", ")),
        )
        .label("tiny limit")
        .help("take the limits from measured load, with room for bursts");
    for (name, limit) in rest {
        finding.related(meta.file, limit.place.entry(), format!("{name} are limited too"));
    }
    let few = http.max_requests_per_connection.as_ref().filter(|few| (1..=TINY).contains(&few.value));
    if let Some(few) = few {
        finding.related(meta.file, few.place.entry(), "and connections are closed after so few requests");
    }
}

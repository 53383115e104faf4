//! `/stats` and `/stats/prometheus`.

use super::router::regex;
use super::{Admin, Call, Page};
use crate::telemetry::stats::{self, Buckets, Kind, Query};

/// Parameters of both paths.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("usedonly", "only stats that were written"),
    ("filter", "only stats in whose name this regular expression is found"),
    ("format", "text, json or prometheus"),
    ("type", "Counters, Gauges, Histograms or All"),
    ("histogram_buckets", "summary, cumulative, disjoint or detailed"),
];

/// `/stats`.
pub(super) fn answer(admin: &Admin, call: &Call) -> Page {
    let query = match query(call) {
        Ok(query) => query,
        Err(page) => return page,
    };
    admin.services.server_stats().refresh(&admin.services);
    let all = &admin.services.stats;
    match call.parameter("format").unwrap_or("text") {
        "text" => Page::text(200, stats::text(all, &query)),
        "json" => Page::compact(stats::json(all, &query)),
        "prometheus" => Page::text(200, stats::prometheus(all, &query)),
        _ => Page::text(400, "usage: /stats?format=(json|prometheus|text)\n\n"),
    }
}

/// `/stats/prometheus`.
pub(super) fn prometheus(admin: &Admin, call: &Call) -> Page {
    match query(call) {
        Ok(query) => {
            admin.services.server_stats().refresh(&admin.services);
            Page::text(200, stats::prometheus(&admin.services.stats, &query))
        }
        Err(page) => page,
    }
}

fn query(call: &Call) -> Result<Query, Page> {
    let buckets = match call.parameter("histogram_buckets") {
        None | Some("none") => None,
        Some("summary") => Some(Buckets::Summary),
        Some("cumulative") => Some(Buckets::Cumulative),
        Some("disjoint") => Some(Buckets::Disjoint),
        Some("detailed") => Some(Buckets::Detailed),
        Some(_) => {
            let usage = "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n";
            return Err(Page::text(400, usage));
        }
    };
    let kind = match call.parameter("type") {
        None | Some("All" | "TextReadouts") => None,
        Some("Counters") => Some(Kind::Counters),
        Some("Gauges") => Some(Kind::Gauges),
        Some("Histograms") => Some(Kind::Histograms),
        Some(_) => return Err(Page::text(400, "invalid &type= param")),
    };
    let filter = match call.parameter("filter").map(regex) {
        Some(filter) => Some(filter?),
        None => None,
    };
    Ok(Query { filter, used_only: call.has("usedonly"), kind, buckets })
}

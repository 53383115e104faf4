//! The pages that are compared, and how.

use std::collections::BTreeMap;

use serde_json::Value;

use super::peers::Peer;
use super::shape;
use crate::differential::client::Answer;

/// How the bodies of a page are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As JSON: keys and types everywhere, values where they do not depend on time or machine.
    Json,
    /// Line by line.
    Text,
    /// The names before the first colon of each line.
    Names,
    /// Names and values of stats; values that depend on time are left out.
    Values,
    /// Families, types and labels, and values that the traffic makes.
    Prometheus,
    /// Only status and fields.
    Head,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    pub method: &'static str,
    pub target: &'static str,
    pub how: How,
}

/// All pages, in an order in which they do not disturb each other.
pub fn all() -> Vec<Page> {
    let page = |method, how| move |target: &&'static str| Page { method, target, how };
    let mut pages: Vec<Page> = Vec::new();
    pages.extend(JSON.iter().map(page("GET", How::Json)));
    pages.extend(TEXT.iter().map(page("GET", How::Text)));
    pages.extend(VALUES.iter().map(page("GET", How::Values)));
    pages.extend(NAMES.iter().map(page("GET", How::Names)));
    pages.extend(PROMETHEUS.iter().map(page("GET", How::Prometheus)));
    pages.extend(HEADS.iter().map(page("GET", How::Head)));
    pages.extend(CHANGES.iter().map(page("GET", How::Text)));
    pages.extend(CHANGES.iter().map(page("POST", How::Text)));
    pages
}

/// The pages that show what a control plane gave.
pub fn dynamic() -> Vec<Page> {
    let page = |how| move |target: &&'static str| Page { method: "GET", target, how };
    let mut pages: Vec<Page> = DYNAMIC.iter().map(page(How::Json)).collect();
    pages.extend(UPDATES.iter().map(page(How::Values)));
    pages
}

const DYNAMIC: &[&str] = &[
    "/config_dump",
    "/config_dump?include_eds",
    "/config_dump?resource=dynamic_active_clusters",
    "/config_dump?resource=dynamic_listeners",
    "/config_dump?resource=dynamic_route_configs",
    "/config_dump?resource=dynamic_active_secrets",
    "/config_dump?resource=ecds_filters",
    "/config_dump?resource=dynamic_listeners&mask=name,error_state.details",
    "/config_dump?name_regex=main",
    "/clusters?format=json",
    "/listeners?format=json",
    "/certs",
    "/init_dump",
];

const UPDATES: &[&str] = &[
    "/stats?filter=^(cluster_manager.cds|listener_manager.lds).update_(success|rejected|failure)$",
    "/stats?filter=^(control_plane|cluster_manager.(active|warming)_clusters|listener_manager.total_listeners_(active|warming))",
    "/stats?filter=^cluster.origin.(membership_|update_(success|failure|empty|no_rebuild)$)",
];

const JSON: &[&str] = &[
    "/config_dump",
    "/config_dump?include_eds",
    "/config_dump?resource=static_clusters",
    "/config_dump?resource=static_listeners",
    "/config_dump?resource=static_route_configs",
    "/config_dump?resource=static_secrets",
    "/config_dump?resource=static_clusters&mask=cluster.name",
    "/config_dump?mask=bootstrap.node.id,bootstrap.node.cluster",
    "/config_dump?name_regex=sec.*",
    "/config_dump?name_regex=origin&include_eds",
    "/clusters?format=json",
    "/clusters?format=json&filter=sec",
    "/listeners?format=json",
    "/server_info",
    "/certs",
    "/memory",
    "/runtime",
    "/init_dump",
    "/init_dump?mask=listener",
    "/stats?format=json&usedonly&type=Counters",
    "/stats?format=json&filter=^cluster.origin.upstream_rq",
    "/stats?format=json&filter=^http.main.downstream_rq_time$",
];

const TEXT: &[&str] = &[
    "/config_dump?mask=static_clusters.cluster.name",
    "/config_dump?resource=bootstrap",
    "/config_dump?resource=version_info",
    "/config_dump?resource=nope",
    "/config_dump?mask=nope.x",
    "/config_dump?name_regex=[",
    "/clusters",
    "/clusters?filter=[",
    "/listeners",
    "/ready",
    "/stats?filter=^cluster.origin.upstream_rq_[0-9c]",
    "/stats?filter=^cluster.origin.circuit_breakers",
    "/stats?format=nope",
    "/stats?type=nope",
    "/stats?histogram_buckets=nope",
    "/stats?filter=[",
    "/stats?type=Gauges&filter=^cluster.origin",
    "/contention",
    "/stats/recentlookups",
];

const VALUES: &[&str] = &["/stats?usedonly&type=Counters"];

const NAMES: &[&str] = &["/stats"];

const PROMETHEUS: &[&str] = &[
    "/stats/prometheus",
    "/stats/prometheus?usedonly",
    "/stats/prometheus?filter=^cluster.origin.upstream_rq",
    "/stats/prometheus?text_readouts",
    "/stats?format=prometheus&filter=^http.main.downstream_rq",
    "/stats/prometheus?histogram_buckets=summary&filter=downstream_rq_time",
];

const HEADS: &[&str] = &["/heap_dump", "/", "/help", "/hot_restart_version", "/nope", "/ready?x=1", "/stats/nope"];

const CHANGES: &[&str] = &[
    "/logging",
    "/logging?level=warning",
    "/logging?upstream=debug",
    "/logging?paths=upstream:info,http:debug",
    "/logging?level=loud",
    "/logging?nope=info",
    "/cpuprofiler",
    "/heapprofiler",
    "/allocprofiler",
    "/reopen_logs",
    "/runtime_modify",
    "/runtime_modify?a=b",
    "/stats/recentlookups/enable",
    "/stats/recentlookups/disable",
    "/stats/recentlookups/clear",
    "/healthcheck/fail",
    "/healthcheck/ok",
    "/reset_counters",
];

/// What the two answer to a page and what is not the same, one line a difference.
pub fn differ(page: &Page, theirs: &Peer, ours: &Peer) -> Vec<String> {
    let (left, right) = (theirs.ask(page.method, page.target), ours.ask(page.method, page.target));
    let mut found = Vec::new();
    if left.status != right.status {
        found.push(format!("status: Envoy says {}, we say {}", left.status, right.status));
    }
    let fields = |answer: &Answer| {
        let framing = |field: &&String| !field.starts_with("content-length") && !field.starts_with("transfer-encoding");
        answer.fields.iter().filter(framing).cloned().collect::<Vec<_>>()
    };
    found.extend(lists("field", &fields(&left), &fields(&right)));
    let (left, right) = (placed(&left.body, theirs), placed(&right.body, ours));
    match page.how {
        How::Head => {}
        How::Json => match (serde_json::from_str::<Value>(&left), serde_json::from_str::<Value>(&right)) {
            (Ok(mut left), Ok(mut right)) => {
                // Envoy tells the certificates of its contexts in no order.
                for page in [&mut left, &mut right] {
                    if let Some(all) = page.get_mut("certificates").and_then(Value::as_array_mut) {
                        all.sort_by_key(Value::to_string);
                    }
                }
                found.extend(shape::differ(&left, &right, &|path| is_volatile(path)));
            }
            (left, right) => found.push(format!("no JSON: Envoy {:?}, we {:?}", left.err(), right.err())),
        },
        How::Text => found.extend(lists("line", &text(&left), &text(&right))),
        How::Values => found.extend(lists("stat", &values(&left), &values(&right))),
        How::Names => found.extend(lists("name", &names(&left), &names(&right))),
        How::Prometheus => found.extend(prometheus(&left, &right)),
    }
    found.into_iter().map(|line| format!("{} {}: {line}", page.method, page.target)).collect()
}

/// A body in which the ports of this run have names.
fn placed(body: &str, peer: &Peer) -> String {
    let mut body = body.to_string();
    let all = peer.ports.iter().map(|(name, port)| (name.as_str(), *port)).chain([("admin", peer.admin)]);
    for (name, port) in all {
        for (from, to) in [
            (format!("\"port_value\": {port}"), format!("\"port_value\": \"{name}\"")),
            (format!(":{port}"), format!(":{name}")),
            (format!("_{port}"), format!("_{name}")),
        ] {
            body = body.replace(&from, &to);
        }
    }
    body
}

/// Whether the value at a path depends on the time, the machine or the program.
fn is_volatile(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    let always = [
        "last_updated",
        "uptime_current_epoch",
        "uptime_all_epochs",
        "allocated",
        "heap_size",
        "pageheap_unmapped",
        "pageheap_free",
        "total_thread_cache",
        "total_physical_bytes",
        "config_path",
        "admin_address_path",
        "base_id",
        "details",
        "last_update_attempt",
    ];
    always.contains(&last) || path.contains("base_id_path") || wavers(path) || path.contains("].values[")
}

/// Whether the value of a stat depends on the length of fields, or on which side was faster.
fn wavers(name: &str) -> bool {
    ["_bytes_", "cx_destroy", "admin."].iter().any(|part| name.contains(part))
}

fn values(body: &str) -> Vec<String> {
    let line = |line: &str| match line.split_once(": ") {
        Some((name, _)) if wavers(name) => format!("{name}: *"),
        _ => line.to_string(),
    };
    body.lines().map(line).collect()
}

fn text(body: &str) -> Vec<String> {
    body.lines().map(str::to_string).collect()
}

fn names(body: &str) -> Vec<String> {
    body.lines().map(|line| line.split(": ").next().unwrap_or_default().to_string()).collect()
}

/// What stands in one list only.
fn lists(what: &str, left: &[String], right: &[String]) -> Vec<String> {
    let only = |one: &[String], other: &[String], who: &str| -> Vec<String> {
        let missing = one.iter().filter(|line| !other.contains(line));
        missing.map(|line| format!("{what} only {who}: {line}")).collect()
    };
    let mut found = only(left, right, "in Envoy's");
    found.extend(only(right, left, "in ours"));
    found
}

/// A series with its labels in the order of their names: Prometheus does not care about the order.
fn sorted(series: &str) -> String {
    let Some((name, labels)) = series.split_once('{') else { return series.to_string() };
    let mut labels: Vec<&str> =
        labels.trim_end_matches('}').trim_end_matches('"').split("\",").filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    if labels.is_empty() { format!("{name}{{}}") } else { format!("{name}{{{}\"}}", labels.join("\",")) }
}

/// A line of a Prometheus page without its value, and the value of a counter.
fn prometheus(left: &str, right: &str) -> Vec<String> {
    let series = |body: &str| -> BTreeMap<String, String> {
        let lines = body.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| {
                if line.starts_with('#') {
                    return (line.to_string(), String::new());
                }
                let (name, value) = line.rsplit_once(' ').unwrap_or((line, ""));
                (sorted(name), value.to_string())
            })
            .collect()
    };
    let (left, right) = (series(left), series(right));
    let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    let mut found = lists("series", &keys(&left), &keys(&right));
    for (name, value) in &left {
        let counted = name.contains("upstream_rq") || name.contains("downstream_rq") || name.contains("cx_total");
        let timed = wavers(name)
            || name.contains("_time")
            || name.contains("_ms")
            || name.contains("_sum")
            || name.contains("_length");
        if let Some(ours) = right.get(name).filter(|ours| counted && !timed && *ours != value) {
            found.push(format!("value of {name}: Envoy has {value}, we have {ours}"));
        }
    }
    found
}

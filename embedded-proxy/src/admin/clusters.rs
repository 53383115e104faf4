//! `/clusters`: hosts and how they do.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::router::regex;
use super::{Admin, Call, Page};
use crate::cluster::{Breakers, Cluster, FailureOrigin, Host, Priority, flag};
use crate::services::Services;
use crate::xds::{Kind, State};

/// Reasons why a host takes no traffic: the bit, the word in text, the field in JSON.
const FLAGS: &[(u32, &str, &str)] = &[
    (flag::FAILED_ACTIVE_HC, "failed_active_hc", "failed_active_health_check"),
    (flag::FAILED_OUTLIER_CHECK, "failed_outlier_check", "failed_outlier_check"),
    (flag::FAILED_EDS_HEALTH, "failed_eds_health", ""),
    (flag::DEGRADED_ACTIVE_HC, "degraded_active_hc", "failed_active_degraded_check"),
    (flag::DEGRADED_EDS_HEALTH, "degraded_eds_health", ""),
    (flag::PENDING_DYNAMIC_REMOVAL, "pending_dynamic_removal", "pending_dynamic_removal"),
    (flag::PENDING_ACTIVE_HC, "pending_active_hc", "pending_active_hc"),
    (flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL, "excluded_via_immediate_hc_fail", "excluded_via_immediate_hc_fail"),
    (flag::ACTIVE_HC_TIMEOUT, "active_hc_timeout", "active_hc_timeout"),
    (flag::EDS_STATUS_DRAINING, "eds_status_draining", ""),
];

/// Success rates that outlier detection found in its last interval; -1 when there were too few requests.
const RATES: [(&str, FailureOrigin); 2] =
    [("success_rate", FailureOrigin::External), ("local_origin_success_rate", FailureOrigin::Local)];

/// All clusters, or those that the filter finds.
pub(super) fn answer(admin: &Admin, call: &Call) -> Page {
    let filter = match call.parameter("filter").map(regex) {
        Some(Err(page)) => return page,
        Some(Ok(filter)) => Some(filter),
        None => None,
    };
    let mut clusters = admin.services.clusters.all();
    clusters.retain(|cluster| filter.as_ref().is_none_or(|filter| filter.is_match(&cluster.name)));
    if call.parameter("format") == Some("json") {
        let statuses: Vec<Value> = clusters.iter().map(|cluster| json_status(cluster, &admin.services)).collect();
        return Page::json(&json!({ "cluster_statuses": statuses }));
    }
    let mut out = String::new();
    for cluster in &clusters {
        // Writing to memory cannot fail.
        let _ = text_status(cluster, &admin.services, &mut out);
    }
    Page::text(200, out)
}

/// Whether the control plane delivered it.
pub(super) fn is_dynamic(cluster: &Cluster, services: &Services) -> bool {
    let all = services.store.of(Kind::Cluster);
    !all.iter().any(|resource| resource.state == State::Static && resource.name == *cluster.name)
}

fn limits(breakers: &Breakers) -> [(&'static str, u64); 4] {
    [
        ("max_connections", breakers.connections.max()),
        ("max_pending_requests", breakers.pending.max()),
        ("max_requests", breakers.requests.max()),
        ("max_retries", breakers.retries().max()),
    ]
}

/// A number by its name.
type Named = (&'static str, u64);

/// The numbers of a host: counters first, then gauges.
fn numbers(host: &Host) -> ([Named; 6], [Named; 3]) {
    let stats = &host.stats;
    let counters = [
        ("cx_connect_fail", &stats.cx_connect_fail),
        ("cx_total", &stats.cx_total),
        ("rq_error", &stats.rq_error),
        ("rq_success", &stats.rq_success),
        ("rq_timeout", &stats.rq_timeout),
        ("rq_total", &stats.rq_total),
    ];
    let gauges = [
        ("cx_active", stats.cx_active.load(Ordering::Relaxed).into()),
        ("rq_active", host.active.load(Ordering::Relaxed).into()),
        // Requests that wait for a connection are counted by cluster.
        ("rq_pending_active", 0),
    ];
    (counters.map(|(name, counter)| (name, counter.load(Ordering::Relaxed))), gauges)
}

fn text_status(cluster: &Arc<Cluster>, services: &Services, out: &mut String) -> std::fmt::Result {
    let name = &cluster.name;
    writeln!(out, "{name}::observability_name::{}", cluster.observability_name())?;
    for (rate, origin) in RATES {
        if let Some((mean, least)) = cluster.success_rate(origin) {
            writeln!(out, "{name}::outlier::{rate}_average::{mean}")?;
            writeln!(out, "{name}::outlier::{rate}_ejection_threshold::{least}")?;
        }
    }
    for (priority, word) in [(Priority::Default, "default"), (Priority::High, "high")] {
        for (limit, value) in limits(cluster.breakers(priority)) {
            writeln!(out, "{name}::{word}_priority::{limit}::{value}")?;
        }
    }
    writeln!(out, "{name}::added_via_api::{}", is_dynamic(cluster, services))?;
    for host in cluster.hosts() {
        let at = format!("{name}::{}", host.address);
        let (counters, gauges) = numbers(&host);
        let mut all: Vec<_> = counters.into_iter().chain(gauges).collect();
        all.sort_unstable();
        for (number, value) in all {
            writeln!(out, "{at}::{number}::{value}")?;
        }
        writeln!(out, "{at}::hostname::{}", host.hostname.as_deref().unwrap_or_default())?;
        writeln!(out, "{at}::health_flags::{}", health_flags(&host))?;
        writeln!(out, "{at}::weight::{}", host.weight())?;
        writeln!(out, "{at}::region::{}", host.locality.region)?;
        writeln!(out, "{at}::zone::{}", host.locality.zone)?;
        writeln!(out, "{at}::sub_zone::{}", host.locality.sub_zone)?;
        writeln!(out, "{at}::canary::{}", is_canary(&host))?;
        writeln!(out, "{at}::priority::{}", host.priority.load(Ordering::Relaxed))?;
        for (name, origin) in RATES {
            writeln!(out, "{at}::{name}::{}", host.monitor.success_rate(origin))?;
        }
    }
    Ok(())
}

fn health_flags(host: &Host) -> String {
    let set: Vec<String> =
        FLAGS.iter().filter(|(bit, ..)| host.has(*bit)).map(|(_, word, _)| format!("/{word}")).collect();
    if set.is_empty() { "healthy".into() } else { set.concat() }
}

fn is_canary(host: &Host) -> bool {
    let metadata = host.metadata();
    metadata.get("envoy.lb").and_then(|values| values.get("canary")).and_then(Value::as_bool).unwrap_or(false)
}

fn json_status(cluster: &Arc<Cluster>, services: &Services) -> Value {
    let threshold = |priority, word: Option<&str>| {
        let mut fields = Map::new();
        if let Some(word) = word {
            fields.insert("priority".into(), word.into());
        }
        fields.extend(limits(cluster.breakers(priority)).map(|(name, value)| (name.into(), value.into())));
        Value::Object(fields)
    };
    let mut status = json!({
        "name": &*cluster.name,
        "observability_name": &**cluster.observability_name(),
        "circuit_breakers": {
            "thresholds": [threshold(Priority::Default, None), threshold(Priority::High, Some("HIGH"))],
        },
    });
    if is_dynamic(cluster, services) {
        status["added_via_api"] = true.into();
    }
    let hosts: Vec<Value> = cluster.hosts().iter().map(|host| json_host(host)).collect();
    if !hosts.is_empty() {
        status["host_statuses"] = hosts.into();
    }
    status
}

fn json_host(host: &Host) -> Value {
    let (counters, gauges) = numbers(host);
    let stat = |name: &str, value: u64, gauge: bool| {
        let mut fields = json!({ "name": name });
        // Values of proto3 that are 0 are not written.
        if value > 0 {
            fields["value"] = value.to_string().into();
        }
        if gauge {
            fields["type"] = "GAUGE".into();
        }
        fields
    };
    let stats: Vec<Value> = counters
        .into_iter()
        .map(|(name, value)| stat(name, value, false))
        .chain(gauges.into_iter().map(|(name, value)| stat(name, value, true)))
        .collect();
    let mut status = json!({
        "address": host.address.to_json(), "stats": stats, "health_status": health(host), "weight": host.weight(),
        "locality": locality(host),
    });
    if let Some(hostname) = host.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
        status["hostname"] = hostname.into();
    }
    for (name, origin) in RATES {
        let rate = host.monitor.success_rate(origin);
        if rate >= 0.0 {
            status[name] = json!({ "value": rate });
        }
    }
    let priority = host.priority.load(Ordering::Relaxed);
    if priority > 0 {
        status["priority"] = priority.into();
    }
    status
}

fn health(host: &Host) -> Value {
    let eds = match () {
        () if host.has(flag::EDS_STATUS_DRAINING) => "DRAINING",
        () if host.has(flag::FAILED_EDS_HEALTH) => "UNHEALTHY",
        () if host.has(flag::DEGRADED_EDS_HEALTH) => "DEGRADED",
        () => "HEALTHY",
    };
    let mut health = json!({ "eds_health_status": eds });
    for (_, _, field) in FLAGS.iter().filter(|(bit, _, field)| !field.is_empty() && host.has(*bit)) {
        health[field] = true.into();
    }
    health
}

/// Region, zone and sub-zone; those that are empty are not written.
pub(super) fn locality(host: &Host) -> Value {
    let parts =
        [("region", &host.locality.region), ("zone", &host.locality.zone), ("sub_zone", &host.locality.sub_zone)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    Value::Object(parts.map(|(name, value)| (name.to_string(), (&**value).into())).collect())
}

//! Short pages about the process itself, and what asks something of it.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Admin, Call, Page};
use crate::server::{Ask, Stage};

/// What the proxy calls itself to control planes: some look at it before they send what Envoy understands.
pub(super) const USER_AGENT: &str = "envoy";

/// `/ready`.
pub(super) fn ready(admin: &Admin) -> Page {
    let stage = admin.services.life.stage();
    Page::text(if stage == Stage::Live { 200 } else { 503 }, format!("{}\n", stage.as_str()))
}

/// `/quitquitquit`.
pub(super) fn quit(admin: &Admin) -> Page {
    admin.services.life.ask(Ask::Quit);
    Page::ok()
}

/// `/healthcheck/fail` and `/healthcheck/ok`.
pub(super) fn health(admin: &Admin, failing: bool) -> Page {
    admin.services.life.set_failing(failing);
    Page::ok()
}

/// `/drain_listeners`.
pub(super) fn drain_listeners(admin: &Admin, call: &Call) -> Page {
    if call.has("skip_exit") {
        return Page::text(400, "skip_exit is not supported: listeners that are drained stop accepting\n");
    }
    let (inbound_only, graceful) = (call.has("inboundonly"), call.has("graceful"));
    admin.services.life.ask(Ask::DrainListeners { inbound_only, graceful });
    Page::ok()
}

/// `/reset_counters`.
pub(super) fn reset_counters(admin: &Admin) -> Page {
    admin.services.stats.reset_counters();
    Page::ok()
}

/// `/reopen_logs`.
pub(super) fn reopen_logs(admin: &Admin) -> Page {
    admin.services.log_files.reopen();
    Page::ok()
}

/// `/contention`.
pub(super) fn contention() -> Page {
    Page::text(200, "Mutex contention tracing is not enabled.\n")
}

/// `/cpuprofiler`.
pub(super) fn profiler(call: &Call) -> Page {
    match call.parameter("enable") {
        Some("n") => Page::ok(),
        Some("y") => Page::text(500, "the proxy does not write CPU profiles\n"),
        _ => Page::text(400, "?enable=<y|n>\n"),
    }
}

/// `/memory`: what the kernel says. The allocator is not asked, so what is allocated is what is resident.
pub(super) fn memory() -> Page {
    let memory = crate::server::memory();
    Page::json(&json!({
        "allocated": memory.own.to_string(),
        "heap_size": memory.resident.to_string(),
        "pageheap_unmapped": memory.size.saturating_sub(memory.resident).to_string(),
        "pageheap_free": "0",
        "total_thread_cache": "0",
        "total_physical_bytes": memory.resident.to_string(),
    }))
}

/// `/runtime`.
pub(super) fn runtime(admin: &Admin) -> Page {
    let runtime = &admin.services.runtime;
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => whole(value.clone()).to_string(),
    };
    let entries: serde_json::Map<String, Value> = runtime
        .iter()
        .map(|(key, value)| {
            let layers: Vec<String> = runtime.in_layers(key).map(|own| own.map(plain).unwrap_or_default()).collect();
            (key.to_string(), json!({"final_value": plain(value), "layer_values": layers}))
        })
        .collect();
    let layers: Vec<&str> = runtime.layers().collect();
    Page::json(&json!({"entries": entries, "layers": layers}))
}

/// A value whose whole numbers are printed without a point, as protobuf does.
pub(super) fn whole(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(whole).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, whole(value))).collect()),
        Value::Number(number) => match number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0) {
            #[allow(clippy::cast_possible_truncation)] // it is whole and far from the limits
            Some(float) if float.abs() < 9e15 => (float as i64).into(),
            _ => number.into(),
        },
        value => value,
    }
}

/// `/init_dump`: listeners that wait.
pub(super) fn init_dump(admin: &Admin) -> Page {
    let listeners = admin.services.listeners.all();
    let mut waiting: Vec<Value> = listeners
        .iter()
        .filter(|view| view.warming)
        .map(|view| json!({"name": &*view.config.name, "target_names": ["resources it refers to"]}))
        .collect();
    for cluster in admin.services.clusters.warming() {
        waiting.push(json!({"name": format!("cluster {}", cluster.name), "target_names": ["first hosts"]}));
    }
    Page::json(&if waiting.is_empty() { json!({}) } else { json!({ "unready_targets_dumps": waiting }) })
}

/// `/server_info`.
pub(super) fn server_info(admin: &Admin) -> Page {
    let services = &admin.services;
    let node = &services.node;
    let (began, _) = services.life.began();
    let uptime = format!("{}s", began.elapsed().as_secs());
    let (region, zone, sub_zone) = &node.locality;
    let metadata: serde_json::Map<String, Value> = node.metadata.clone().into_iter().collect();
    let mut about = json!({
        "id": node.id, "cluster": node.cluster, "metadata": metadata, "dynamic_parameters": {},
        "user_agent_name": USER_AGENT, "user_agent_build_version": build(&admin.options.version),
        "extensions": [], "client_features": [], "listening_addresses": [],
    });
    if [region, zone, sub_zone].iter().any(|part| !part.is_empty()) {
        about["locality"] = json!({"region": region, "zone": zone, "sub_zone": sub_zone});
    }
    Page::json(&json!({
        "version": format!("meshctl/{}/Clean/RELEASE/rustls", admin.options.version),
        "state": services.life.stage().as_str(),
        "uptime_current_epoch": uptime,
        "uptime_all_epochs": uptime,
        "hot_restart_version": "disabled",
        "hot_restart_initializing": false,
        "node": about,
        "command_line_options": command_line(admin),
    }))
}

/// A version as `envoy.config.core.v3.BuildVersion` has it.
pub(super) fn build(version: &str) -> Value {
    let numbers: Vec<u32> = version.split(['.', '-']).filter_map(|part| part.parse().ok()).collect();
    let number = |index: usize| numbers.get(index).copied().unwrap_or(0);
    json!({
        "version": {"major_number": number(0), "minor_number": number(1), "patch": number(2)},
        "metadata": {"build.type": "RELEASE", "revision.status": "Clean", "ssl.version": "rustls"},
    })
}

/// Options under Envoy's names; those that the proxy does not have stand with Envoy's defaults.
fn command_line(admin: &Admin) -> Value {
    let level = super::logging::level();
    json!({
        "base_id": "0", "use_dynamic_base_id": false, "base_id_path": "", "concurrency": admin.options.concurrency,
        "config_path": admin.options.config_path, "config_yaml": "", "allow_unknown_static_fields": false,
        "reject_unknown_dynamic_fields": true, "ignore_unknown_dynamic_fields": false, "admin_address_path": "",
        "local_address_ip_version": "v4", "log_level": level, "component_log_level": "", "log_format": "",
        "log_format_escaped": false, "log_path": "", "service_cluster": "", "service_node": "", "service_zone": "",
        "file_flush_interval": "0.100s", "file_flush_min_size": 64,
        "drain_time": format!("{}s", admin.options.drain_time.as_secs()), "drain_strategy": "Gradual",
        "parent_shutdown_time": "900s", "mode": "Serve", "disable_hot_restart": true, "enable_mutex_tracing": false,
        "restart_epoch": 0, "cpuset_threads": false, "disabled_extensions": [], "enable_fine_grain_logging": false,
        "socket_path": "@envoy_domain_socket", "socket_mode": 0, "enable_core_dump": false, "stats_tag": [],
        "skip_hot_restart_on_no_parent": false, "skip_hot_restart_parent_stats": false, "skip_deprecated_logs": false,
        "log_stacktrace_single_entry": false,
    })
}

/// A moment as protobuf JSON writes it: `2026-01-31T09:30:00.123Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

//! Reading the bootstrap as a whole.

use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use super::{Admin, Dynamic, Node, Overload, Runtime};
use crate::listener::GlobalLimit;
use crate::proto::{Defect, Defects, Reader, decode, from_json, read_after, read_checked, validate};
use crate::telemetry::stats::StatsConfig;

/// Full name of the message.
pub const BOOTSTRAP: &str = "envoy.config.bootstrap.v3.Bootstrap";

/// A message inside the bootstrap that is read later, by the part of the proxy that it configures.
#[derive(Debug, Clone)]
pub struct Part {
    /// Path in the bootstrap.
    pub path: String,
    /// The message.
    pub message: DynamicMessage,
}

impl Part {
    fn take(reader: &Reader<'_>) -> Self {
        reader.ignore_all();
        Self { path: reader.path().to_string(), message: reader.raw().clone() }
    }

    /// Checks and reads it; what is wrong goes to `defects`.
    pub fn read<T>(&self, defects: &Defects, read: impl FnOnce(&Reader<'_>) -> Option<T>) -> Option<T> {
        let value = read_checked(self.message.clone(), &self.path, read);
        value.map_err(|found| found.into_iter().for_each(|one| defects.push(one.path, one.message))).ok()
    }
}

/// A bootstrap whose own fields are read and whose clusters, listeners and secrets are still messages.
#[derive(Debug)]
pub struct Bootstrap {
    /// Who the proxy is.
    pub node: Node,
    /// Static clusters.
    pub clusters: Vec<Part>,
    /// Static listeners.
    pub listeners: Vec<Part>,
    /// Static secrets.
    pub secrets: Vec<Part>,
    /// Where more comes from.
    pub dynamic: Dynamic,
    /// Admin interface, if there is one.
    pub admin: Option<Admin>,
    /// Limits of the process.
    pub overload: Overload,
    /// Static runtime.
    pub runtime: Runtime,
    /// How stats are tagged, which are kept, and their buckets.
    pub stats: StatsConfig,
    /// Bytes that connections to internal listeners may hold in each direction; none: there are no such listeners.
    pub internal: Option<usize>,
    /// The whole message, for dumps.
    pub raw: DynamicMessage,
}

impl Bootstrap {
    /// Reads a bootstrap from protobuf JSON (or YAML that was parsed to the same).
    pub fn from_json(value: &Value) -> Result<Self, Vec<Defect>> {
        Self::from_documents(std::slice::from_ref(value))
    }

    /// Reads a bootstrap from several documents. Later ones are merged into the first as protobuf merges messages: single
    /// fields win, lists grow.
    pub fn from_documents(values: &[Value]) -> Result<Self, Vec<Defect>> {
        let mut merged = Vec::new();
        for value in values {
            let message = from_json(BOOTSTRAP, value).map_err(|error| vec![Defect::at_path(&error)])?;
            // Messages that are written one after another are one message to protobuf.
            merged.extend(message.encode_to_vec());
        }
        let message = decode(BOOTSTRAP, &merged).map_err(|error| vec![Defect::at_path(&error)])?;
        // Parts are checked when they are read.
        let mut own = message.clone();
        own.clear_field_by_name("static_resources");
        let broken = Defects::new();
        validate(&own, "", &broken);
        read_after(broken, message, "", |reader| Some(Self::read(reader)))
    }

    /// Limit of all connections. As in Envoy, the overload manager's counts before the one of the runtime.
    pub fn connection_limit(&self) -> GlobalLimit {
        let overload = self.overload.max_connections;
        GlobalLimit { most: overload.or_else(|| self.runtime.max_connections()), overload_manager: overload.is_some() }
    }

    fn read(reader: &Reader<'_>) -> Self {
        harmless(reader);
        let internal = extensions(reader);
        if let Some(manager) = reader.message("cluster_manager") {
            // Clusters are always made when they are configured.
            manager.ignore(&["enable_deferred_cluster_creation"]);
        }
        let statics = reader.message("static_resources");
        let parts = |field| statics.iter().flat_map(|all| all.list(field)).map(|part| Part::take(&part)).collect();
        Self {
            node: reader.message("node").map(|node| Node::read(&node)).unwrap_or_default(),
            clusters: parts("clusters"),
            listeners: parts("listeners"),
            secrets: parts("secrets"),
            dynamic: reader.message("dynamic_resources").map(|more| Dynamic::read(&more)).unwrap_or_default(),
            admin: reader.message("admin").and_then(|admin| Admin::read(&admin)),
            overload: reader.message("overload_manager").map(|overload| Overload::read(&overload)).unwrap_or_default(),
            runtime: reader.message("layered_runtime").map(|layers| Runtime::read(&layers)).unwrap_or_default(),
            stats: reader.message("stats_config").and_then(|config| StatsConfig::read(&config)).unwrap_or_default(),
            internal,
            raw: reader.raw().clone(),
        }
    }
}

/// Extensions of the process: bytes that connections to internal listeners may hold in each direction, when there may be
/// such listeners.
fn extensions(reader: &Reader<'_>) -> Option<usize> {
    let mut internal = None;
    for extension in reader.list("bootstrap_extensions") {
        extension.ignore(&["name"]);
        let Some((kind, config)) = extension.any("typed_config") else { continue };
        if kind == "envoy.extensions.bootstrap.internal_listener.v3.InternalListener" {
            let kib = config.u32("buffer_size_kb").map(|kib| kib as usize * 1024);
            internal = Some(kib.unwrap_or(crate::listener::INTERNAL_BUFFER));
        } else {
            config.ignore_all();
            extension.defect("typed_config", format!("the proxy does not have the extension {kind}"));
        }
    }
    internal
}

/// Takes fields that change nothing a client, an upstream or a reader of stats could see.
fn harmless(reader: &Reader<'_>) {
    // How lines of the process' own log look; what they say is not Envoy's either.
    reader.ignore(&["application_log_config"]);
    // Watchdogs kill a stuck process: the platform's probes do that here.
    reader.ignore(&["watchdog", "watchdogs"]);
    // Stats are made when first used and exported when asked for; nothing is flushed on a timer.
    reader.ignore(&["deferred_stat_options", "stats_flush_interval", "stats_flush_on_admin"]);
    // Own regular expressions are linear in time like the ones of the only engine Envoy has built in.
    reader.ignore(&["default_regex_engine"]);
    // Tuning of Envoy's own memory, threads and caches.
    reader.ignore(&["memory_allocator_manager", "enable_worker_cpu_affinity", "grpc_async_client_manager_config"]);
    reader.ignore(&[
        "enable_dispatcher_stats",
        "stats_server_version_override",
        "perf_tracing_file_path",
        "flags_path",
    ]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_keep_their_paths() {
        let bootstrap = Bootstrap::from_json(&json!({
            "node": { "id": "a", "cluster": "b", "metadata": { "X": 1 } },
            "static_resources": { "clusters": [{ "name": "one" }, { "name": "two" }] },
            "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        }))
        .unwrap();
        assert_eq!(bootstrap.node.metadata["X"], json!(1.0));
        assert_eq!(bootstrap.clusters[1].path, "static_resources.clusters[1]");
        assert_eq!(bootstrap.admin.unwrap().bind.address.to_string(), "127.0.0.1:0");
    }

    #[test]
    fn later_documents_win_and_lists_grow() {
        let clusters = |name: &str| json!({ "clusters": [{ "name": name }] });
        let bootstrap = Bootstrap::from_documents(&[
            json!({ "node": { "id": "a", "cluster": "b" }, "static_resources": clusters("one") }),
            json!({ "node": { "id": "c" }, "staticResources": clusters("two") }),
        ])
        .unwrap();
        assert_eq!((bootstrap.node.id.as_str(), bootstrap.node.cluster.as_str()), ("c", "b"));
        assert_eq!(bootstrap.clusters.len(), 2);
    }

    #[test]
    fn what_the_proxy_lacks_is_named() {
        let defects = Bootstrap::from_json(&json!({
            "hds_config": { "api_type": "GRPC" },
            "dynamic_resources": { "cds_config": { "ads": {} }, "lds_config": { "api_config_source": {
                "api_type": "REST", "transport_api_version": "V3", "cluster_names": ["x"] } } },
        }))
        .unwrap_err();
        let lines: Vec<String> = defects.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "dynamic_resources.cds_config: says `ads`, and there is no ads_config",
                "dynamic_resources.lds_config.api_config_source.api_type: the proxy does not have REST: use GRPC or DELTA_GRPC",
                "hds_config: the proxy does not have this feature",
            ]
        );
    }

    #[test]
    fn the_overload_manager_limits_connections_and_nothing_else() {
        let monitor = |kind: &str, more: serde_json::Value| {
            let kind = format!("type.googleapis.com/envoy.extensions.resource_monitors.{kind}");
            let mut config = json!({ "@type": kind });
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "overload_manager": { "resource_monitors": [{ "name": "m", "typed_config": config }] } })
        };
        let kind = "downstream_connections.v3.DownstreamConnectionsConfig";
        let most = json!({ "max_active_downstream_connections": 9 });
        let bootstrap = Bootstrap::from_json(&monitor(kind, most)).unwrap();
        assert_eq!(bootstrap.connection_limit(), GlobalLimit { most: Some(9), overload_manager: true });
        let heap = monitor("fixed_heap.v3.FixedHeapConfig", json!({ "max_heap_size_bytes": 9 }));
        let defects = Bootstrap::from_json(&heap).unwrap_err();
        assert_eq!(defects[0].path, "overload_manager.resource_monitors[0].typed_config");
    }

    #[test]
    fn wrong_types_and_unknown_fields_have_a_path() {
        let defects =
            Bootstrap::from_json(&json!({ "static_resources": { "clusters": [{ "nome": "x" }] } })).unwrap_err();
        assert_eq!(defects[0].path, "static_resources.clusters[0]");
        assert!(defects[0].message.contains("nome"), "{}", defects[0]);
        let defects = Bootstrap::from_json(&json!([])).unwrap_err();
        assert_eq!(defects[0].path, "");
    }
}

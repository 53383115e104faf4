//! `envoy.config.cluster.v3.Cluster`, apart from what concerns connections (`pool::Upstream` reads that).

use std::sync::Arc;

use super::assignment::{Metadata, read_metadata};
use super::breakers::BreakerConfig;
use super::discovery::Discovery;
use super::health::HealthConfig;
use super::lb::{LbConfig, Policy};
use super::outlier::OutlierConfig;
use super::pool::Upstream;
use crate::proto::{Reader, fingerprint, fingerprint_of};
use crate::services::Build;
use crate::telemetry::stats::Scope;

const METADATA_EXCHANGE: &str = "envoy.tcp.metadataexchange.config.MetadataExchange";

/// Fields that decide how connections are made: hosts and their pools survive an update that leaves them alone.
const CONNECTION_FIELDS: &[&str] = &[
    "common_http_protocol_options",
    "connect_timeout",
    "connection_pool_per_downstream_connection",
    "http2_protocol_options",
    "http_protocol_options",
    "max_requests_per_connection",
    "per_connection_buffer_limit_bytes",
    "protocol_selection",
    "transport_socket",
    "transport_socket_matcher",
    "transport_socket_matches",
    "typed_extension_protocol_options",
    "upstream_bind_config",
    "upstream_config",
    "upstream_connection_options",
    "upstream_http_protocol_options",
];

/// What a cluster is told to be.
#[derive(Debug)]
pub struct ClusterConfig {
    /// Name.
    pub name: Arc<str>,
    /// How its connections are made and used.
    pub upstream: Upstream,
    /// Everything else.
    pub settings: Settings,
}

/// Configuration of a cluster without its connections.
#[derive(Debug)]
pub struct Settings {
    /// Name in stats and logs, when it is not the cluster's.
    pub alt_stat_name: Option<Arc<str>>,
    /// Where its hosts come from.
    pub discovery: Discovery,
    /// How a host is chosen.
    pub lb: LbConfig,
    /// Outlier detection.
    pub outlier: Option<OutlierConfig>,
    /// Active health check.
    pub health: Option<HealthConfig>,
    /// Circuit breakers.
    pub breakers: BreakerConfig,
    /// Metadata by namespace.
    pub metadata: Arc<Metadata>,
    /// Close the connections of a host when its health checks fail.
    pub close_on_health_failure: bool,
    /// Connections to all hosts are let go of when hosts come or go.
    pub close_on_change: bool,
    /// Remove hosts that discovery no longer has even when health checks say they are well.
    pub ignore_health_on_removal: bool,
    /// Hash of the whole message: equal configurations are not applied again.
    pub fingerprint: u64,
    /// Hash of what concerns connections.
    pub connection_fingerprint: u64,
}

/// Names in stats have no colons, as in Envoy.
fn stat_name(name: &str) -> String {
    name.replace(':', "_")
}

impl ClusterConfig {
    /// Reads the message. None: a defect was noted. The scope of `build` may be anything; stats go to `cluster.NAME`.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let name = reader.need_text("name")?;
        let alt_stat_name: Option<Arc<str>> = reader.opt_text("alt_stat_name").map(Into::into);
        let own =
            Build { services: build.services.clone(), scope: Self::scope(&name, alt_stat_name.as_deref(), build) };
        let upstream = Upstream::read(reader, &own);
        let settings = Settings::read(reader, alt_stat_name);
        let (upstream, mut settings) = (upstream?, settings?);
        if upstream.passes_metadata() {
            settings.connection_fingerprint ^= fingerprint_of(reader.raw(), &["metadata"]);
        }
        Some(Self { name: name.into(), upstream, settings })
    }

    /// The scope of a cluster's stats.
    pub(super) fn scope(name: &str, alt: Option<&str>, build: &Build) -> Scope {
        let name = stat_name(alt.unwrap_or(name));
        Scope::root(&build.services.stats).tagged("cluster", "envoy_cluster_name", &name)
    }
}

fn close_on_change(reader: &Reader<'_>) -> bool {
    reader.message("common_lb_config").is_some_and(|common| {
        // The rest is read with the balancer.
        common.ignore_all();
        common.flag("close_connections_on_host_set_change")
    })
}

/// Filters of upstream connections: Istio's exchange of workload metadata is left out. Peers get along without it; their
/// metrics name the workload by its certificate then.
fn recognise(filter: &Reader<'_>) {
    filter.ignore(&["name"]);
    let Some((name, config)) = filter.any("typed_config") else { return };
    if name == METADATA_EXCHANGE {
        config.ignore_all();
    } else {
        config.defect("", format!("the proxy does not have the upstream network filter {name}"));
    }
}

impl Settings {
    fn read(reader: &Reader<'_>, alt_stat_name: Option<Arc<str>>) -> Option<Self> {
        let discovery = Discovery::read(reader);
        let lb = LbConfig::read(reader);
        if let (Some(discovery), Some(lb)) = (&discovery, &lb) {
            let provided = matches!(discovery, Discovery::OriginalDst(_));
            if provided != (lb.policy == Policy::Provided) {
                let sentence = "CLUSTER_PROVIDED is for clusters of type ORIGINAL_DST, and nothing else is";
                reader.defect("lb_policy", sentence);
            }
        }
        reader.list("filters").iter().for_each(recognise);
        // Warming is always waited for, which is the default.
        reader.ignore(&["wait_for_warm_on_init"]);
        // Everything is read before anything is given up: one reading names all defects.
        let outlier = reader.message("outlier_detection").map(|outlier| OutlierConfig::read(&outlier));
        let health = HealthConfig::read(reader);
        let breakers = BreakerConfig::read(reader.message("circuit_breakers").as_ref());
        let metadata = Arc::new(read_metadata(reader.message("metadata")));
        let close_on_health_failure = reader.flag("close_connections_on_host_health_failure");
        let close_on_change = close_on_change(reader);
        let ignore_health_on_removal = reader.flag("ignore_health_on_host_removal");
        Some(Self {
            alt_stat_name,
            discovery: discovery?,
            lb: lb?,
            outlier,
            health,
            breakers,
            metadata,
            close_on_health_failure,
            close_on_change,
            ignore_health_on_removal,
            fingerprint: fingerprint(reader.raw()),
            connection_fingerprint: fingerprint_of(reader.raw(), CONNECTION_FIELDS),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cluster::testing::{build, read};
    use crate::cluster::{LocalityPolicy, Priority};

    /// What istiod sends for a service, apart from transport sockets.
    fn from_istio() -> serde_json::Value {
        json!({
            "name": "outbound|9080||reviews.default.svc.cluster.local",
            "alt_stat_name": "outbound|9080||reviews.default.svc.cluster.local;",
            "type": "EDS",
            "eds_cluster_config": {
                "eds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
                "service_name": "outbound|9080||reviews.default.svc.cluster.local"},
            "connect_timeout": "10s",
            "lb_policy": "LEAST_REQUEST",
            "circuit_breakers": {"thresholds": [{
                "max_connections": 4294967295u32, "max_pending_requests": 4294967295u32, "max_requests": 4294967295u32,
                "max_retries": 4294967295u32, "track_remaining": true}]},
            "common_lb_config": {"locality_weighted_lb_config": {}, "healthy_panic_threshold": {}},
            "outlier_detection": {"consecutive_5xx": 5, "enforcing_success_rate": 0},
            "metadata": {"filter_metadata": {"istio": {"services": [{"host": "reviews", "namespace": "default"}]}}},
            "filters": [{"name": "istio.metadata_exchange", "typed_config": {
                "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
                "type_url": "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
                "value": {"enable_discovery": true, "protocol": "istio-peer-exchange"}}}],
        })
    }

    #[tokio::test]
    async fn clusters_of_istio_are_read() {
        let config = read(&from_istio(), &build()).unwrap();
        let lb = &config.settings.lb;
        assert_eq!((lb.panic_threshold, &lb.locality), (0.0, &LocalityPolicy::Weighted));
        assert_eq!(config.settings.breakers.normal.connections, u64::from(u32::MAX));
        assert!(config.settings.outlier.is_some());
    }

    #[tokio::test]
    async fn every_defect_is_named_at_once() {
        let mut wrong = from_istio();
        wrong["lrs_server"] = json!({"ads": {}});
        wrong["lb_policy"] = json!("RING_HASH");
        wrong["ring_hash_lb_config"] = json!({"minimum_ring_size": 9, "maximum_ring_size": 8});
        wrong["outlier_detection"] = json!({"max_ejection_percent": 101});
        wrong["health_checks"] = json!([{"timeout": "1s", "interval": "1s", "unhealthy_threshold": 1,
                                         "custom_health_check": {"name": "redis"}}]);
        let defects = read(&wrong, &build()).unwrap_err();
        let paths: Vec<&str> = defects.iter().map(|defect| defect.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "health_checks[0].custom_health_check",
                "health_checks[0].healthy_threshold",
                "lrs_server",
                "outlier_detection.max_ejection_percent",
                "ring_hash_lb_config.minimum_ring_size",
            ]
        );
    }

    #[tokio::test]
    async fn breakers_keep_their_counts_over_an_update() {
        let build = build();
        let config = |timeout: &str| {
            json!({"name": "c", "connect_timeout": timeout, "circuit_breakers": {"thresholds": [
                {"priority": "HIGH", "max_requests": 1}, {"priority": "HIGH", "max_requests": 9}]}})
        };
        let first = crate::cluster::testing::apply(&config("1s"), &build);
        let _permit = first.breakers(Priority::High).requests.try_take().unwrap();
        let mut other = config("1s");
        other["alt_stat_name"] = json!("other");
        let second = crate::cluster::testing::apply(&other, &build);
        assert!(second.breakers(Priority::High).requests.try_take().is_none(), "the first thresholds count");
        assert_eq!(second.breakers(Priority::Default).requests.max(), 1024);
    }
}

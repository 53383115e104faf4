//! The proxy settings of MeshConfig (`defaultConfig`) and of the annotation `proxy.istio.io/config`.

use crate::message;
use crate::schema::{At, Int, List, Map, Number, Opaque, Period, Text};

message! {
    /// Settings of a proxy. The kind ProxyConfig holds only three of them.
    pub struct MeshProxyConfig {
        /// Directory of generated configuration.
        config_path: Option<Text> = "configPath",
        /// Path of the proxy.
        binary_path: Option<Text> = "binaryPath",
        /// Name of the proxy's cluster.
        service_cluster: Option<Text> = "serviceCluster",
        /// How spans name the service.
        tracing_service_name: Option<Text> = "tracingServiceName",
        /// Time that connections get to end on a hot restart.
        drain_duration: Option<At<Period>> = "drainDuration",
        /// Time before the old process ends.
        parent_shutdown_duration: Option<At<Period>> = "parentShutdownDuration",
        /// Address of the control plane.
        discovery_address: Option<Text> = "discoveryAddress",
        /// No longer used.
        discovery_refresh_delay: Option<Opaque> = "discoveryRefreshDelay",
        /// No longer used.
        zipkin_address: Option<Text> = "zipkinAddress",
        /// Address of statsd.
        statsd_udp_address: Option<Text> = "statsdUdpAddress",
        /// No longer used.
        envoy_metrics_service_address: Option<Text> = "envoyMetricsServiceAddress",
        /// Port of the admin interface.
        proxy_admin_port: Option<Int> = "proxyAdminPort",
        /// No longer used.
        availability_zone: Option<Text> = "availabilityZone",
        /// How the proxy authenticates to the control plane.
        control_plane_auth_policy: Option<Text> = "controlPlaneAuthPolicy",
        /// File with a configuration of one's own.
        custom_config_file: Option<Text> = "customConfigFile",
        /// Longest name of a statistic.
        stat_name_length: Option<Int> = "statNameLength",
        /// Worker threads; 0 means one for every core.
        concurrency: Option<Int> = "concurrency",
        /// Template of the bootstrap.
        proxy_bootstrap_template_path: Option<Text> = "proxyBootstrapTemplatePath",
        /// How connections reach the proxy.
        interception_mode: Option<Text> = "interceptionMode",
        /// Tracing, before Telemetry objects existed.
        tracing: Option<MeshTracing> = "tracing",
        /// No longer used.
        sds: Option<Opaque> = "sds",
        /// gRPC service for access logs.
        envoy_access_log_service: Option<Opaque> = "envoyAccessLogService",
        /// gRPC service for metrics.
        envoy_metrics_service: Option<Opaque> = "envoyMetricsService",
        /// Environment of the proxy: texts, even where they look like numbers or booleans.
        proxy_metadata: Map<Text> = "proxyMetadata",
        /// Envoy's runtime values.
        runtime_values: Map<Text> = "runtimeValues",
        /// Port of the agent.
        status_port: Option<Int> = "statusPort",
        /// Tags that metrics may carry beside Istio's own.
        extra_stat_tags: List<Text> = "extraStatTags",
        /// What stands in front of gateways.
        gateway_topology: Option<Opaque> = "gatewayTopology",
        /// Time that connections get to end on termination.
        termination_drain_duration: Option<At<Period>> = "terminationDrainDuration",
        /// Name of the mesh in reports.
        mesh_id: Option<Text> = "meshId",
        /// Readiness of virtual machines.
        readiness_probe: Option<Opaque> = "readinessProbe",
        /// Statistics of Envoy that are kept beside Istio's choice.
        proxy_stats_matcher: Option<ProxyStatsMatcher> = "proxyStatsMatcher",
        /// True starts the application after the proxy.
        hold_application_until_proxy_starts: Option<At<bool>> = "holdApplicationUntilProxyStarts",
        /// Further root certificates.
        ca_certificates_pem: List<Text> = "caCertificatesPem",
        /// Image of the proxy.
        image: Option<Opaque> = "image",
        /// Hardware for private keys.
        private_key_provider: Option<Opaque> = "privateKeyProvider",
        /// Headers that the proxy adds.
        proxy_headers: Option<Opaque> = "proxyHeaders",
        /// How often access log files are flushed.
        file_flush_interval: Option<At<Period>> = "fileFlushInterval",
        /// Size at which access log files are flushed.
        file_flush_min_size_kb: Option<Int> = "fileFlushMinSizeKb",
        /// How long statistics without a change are kept.
        stats_eviction_interval: Option<At<Period>> = "statsEvictionInterval",
        /// Whether statistics are compressed.
        stats_compression: Option<At<bool>> = "statsCompression",
    }
}

message! {
    /// Envoy statistics that are kept; there is no list of exclusions.
    pub struct ProxyStatsMatcher {
        /// By the start of the name.
        inclusion_prefixes: List<Text> = "inclusionPrefixes",
        /// By the end of the name.
        inclusion_suffixes: List<Text> = "inclusionSuffixes",
        /// By pattern.
        inclusion_regexps: List<Text> = "inclusionRegexps",
    }
}

message! {
    /// Tracing, before Telemetry objects existed.
    pub struct MeshTracing {
        /// Zipkin.
        zipkin: Option<Opaque> = "zipkin",
        /// Lightstep, deprecated.
        lightstep: Option<Opaque> = "lightstep",
        /// Datadog.
        datadog: Option<Opaque> = "datadog",
        /// Google Cloud.
        stackdriver: Option<Opaque> = "stackdriver",
        /// OpenCensus, deprecated.
        open_census_agent: Option<Opaque> = "openCensusAgent",
        /// Further tags.
        custom_tags: Map<Opaque> = "customTags",
        /// Longest path in a tag.
        max_path_tag_length: Option<Int> = "maxPathTagLength",
        /// Share of requests in percent.
        sampling: Option<Number> = "sampling" [Range(0.0, 100.0)],
        /// TLS to the backend.
        tls_settings: Option<Opaque> = "tlsSettings",
        /// Whether spans carry Istio's own tags.
        enable_istio_tags: Option<At<bool>> = "enableIstioTags",
    }
    rules [AtMostOne(&["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"])]
}

//! ServiceMonitor and PodMonitor: which endpoints Prometheus scrapes.

use crate::dialects::kubernetes::types::LabelSelector;
use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Int, IntOrString, List, Text};

/// What both monitors have, and after it the fields of one.
macro_rules! monitor {
    ($(#[doc = $doc:literal])* $name:ident { $($own:tt)* }) => {
        message! {
            $(#[doc = $doc])*
            pub struct $name {
                /// Labels of what is scraped.
                selector: Option<LabelSelector> = "selector" [Required],
                /// Where it is looked for.
                namespace_selector: Option<NamespaceSelector> = "namespaceSelector",
                /// How the selector is put into effect.
                selector_mechanism: Option<Text> = "selectorMechanism",
                /// Label that becomes the job.
                job_label: Option<Text> = "jobLabel",
                /// Labels of pods to keep.
                pod_target_labels: List<Text> = "podTargetLabels",
                /// Most samples.
                sample_limit: Option<Int> = "sampleLimit",
                /// Most targets.
                target_limit: Option<Int> = "targetLimit",
                /// Most labels.
                label_limit: Option<Int> = "labelLimit",
                /// Longest label name.
                label_name_length_limit: Option<Int> = "labelNameLengthLimit",
                /// Longest label value.
                label_value_length_limit: Option<Int> = "labelValueLengthLimit",
                /// Dropped targets to remember.
                keep_dropped_targets: Option<Int> = "keepDroppedTargets",
                /// Protocols by preference.
                scrape_protocols: List<Opaque> = "scrapeProtocols",
                /// Protocol when the target names none.
                fallback_scrape_protocol: Option<Text> = "fallbackScrapeProtocol",
                /// Classic histograms too.
                scrape_classic_histograms: Option<At<bool>> = "scrapeClassicHistograms",
                /// Native histograms.
                scrape_native_histograms: Option<At<bool>> = "scrapeNativeHistograms",
                /// Most buckets.
                native_histogram_bucket_limit: Option<Int> = "nativeHistogramBucketLimit",
                /// Least growth of buckets.
                native_histogram_min_bucket_factor: Option<Opaque> = "nativeHistogramMinBucketFactor",
                /// Classic histograms become native ones.
                convert_classic_histograms_to_nhcb: Option<At<bool>> = "convertClassicHistogramsToNHCB",
                /// Metadata of nodes.
                attach_metadata: Option<Opaque> = "attachMetadata",
                /// Shared settings.
                scrape_class: Option<Text> = "scrapeClass",
                /// Largest answer.
                body_size_limit: Option<Text> = "bodySizeLimit",
                $($own)*
            }
        }
    };
}

monitor! {
    /// Scrapes the pods behind Services.
    ServiceMonitor {
        /// What is scraped.
        endpoints: List<Endpoint> = "endpoints" [Required],
        /// Labels of the Service to keep.
        target_labels: List<Text> = "targetLabels",
        /// Endpoints or EndpointSlice.
        service_discovery_role: Option<Text> = "serviceDiscoveryRole",
    }
}

monitor! {
    /// Scrapes pods.
    PodMonitor {
        /// What is scraped.
        pod_metrics_endpoints: List<Endpoint> = "podMetricsEndpoints",
    }
}

message! {
    /// Namespaces by name.
    pub struct NamespaceSelector {
        /// All of them.
        any: Option<At<bool>> = "any",
        /// These.
        match_names: List<Text> = "matchNames",
    }
}

message! {
    /// One endpoint of each target.
    pub struct Endpoint {
        /// Port by name.
        port: Option<Text> = "port",
        /// PodMonitor: port by number.
        port_number: Option<Int> = "portNumber",
        /// Port of the pod.
        target_port: Option<At<IntOrString>> = "targetPort",
        /// Path, /metrics when not set.
        path: Option<Text> = "path",
        /// http or https.
        scheme: Option<Text> = "scheme",
        /// Query.
        params: Option<Opaque> = "params",
        /// Time between two scrapes.
        interval: Option<Text> = "interval",
        /// Time of one.
        scrape_timeout: Option<Text> = "scrapeTimeout",
        /// TLS.
        tls_config: Option<Opaque> = "tlsConfig",
        /// Token from a file.
        bearer_token_file: Option<Opaque> = "bearerTokenFile",
        /// Token from a secret.
        bearer_token_secret: Option<Opaque> = "bearerTokenSecret",
        /// Authorization header.
        authorization: Option<Opaque> = "authorization",
        /// Name and password.
        basic_auth: Option<Opaque> = "basicAuth",
        /// OAuth 2.
        oauth2: Option<Opaque> = "oauth2",
        /// The target's labels win.
        honor_labels: Option<At<bool>> = "honorLabels",
        /// The target's times win.
        honor_timestamps: Option<At<bool>> = "honorTimestamps",
        /// Staleness of such times.
        track_timestamps_staleness: Option<At<bool>> = "trackTimestampsStaleness",
        /// Changes to samples.
        metric_relabelings: List<Opaque> = "metricRelabelings",
        /// Changes to targets.
        relabelings: List<Opaque> = "relabelings",
        /// Proxy.
        proxy_url: Option<Text> = "proxyUrl",
        /// Without proxy.
        no_proxy: Option<Text> = "noProxy",
        /// Proxy from the environment.
        proxy_from_environment: Option<At<bool>> = "proxyFromEnvironment",
        /// Headers to the proxy.
        proxy_connect_header: Option<Opaque> = "proxyConnectHeader",
        /// Follows redirects.
        follow_redirects: Option<At<bool>> = "followRedirects",
        /// HTTP/2.
        enable_http2: Option<At<bool>> = "enableHttp2",
        /// Running pods alone.
        filter_running: Option<At<bool>> = "filterRunning",
    }
}

//! Telemetry: traces, metrics and access logs of workloads.

use super::rules::DURATION;
use super::selector::{PolicyTargetReference, WorkloadSelector};
use crate::manifests::tree::Node;
use crate::schema::{At, List, Map, Number, Period, Text};
use crate::{choice, message};

message! {
    /// What a workload's proxy reports. The narrowest object wins, field by field: workload, namespace, mesh.
    pub struct Telemetry {
        /// The workloads; without any attachment all of the namespace, and in the root namespace all of the mesh.
        selector: Option<WorkloadSelector> = "selector",
        /// The object that the settings are attached to.
        target_ref: Option<PolicyTargetReference> = "targetRef",
        /// The objects that the settings are attached to.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// Traces.
        tracing: List<Tracing> = "tracing",
        /// Metrics.
        metrics: List<Metrics> = "metrics",
        /// Access logs.
        access_logging: List<AccessLogging> = "accessLogging",
    }
    rules [AtMostOne(&["selector", "targetRef", "targetRefs"])]
}

message! {
    /// A provider of the mesh configuration, by name.
    pub struct ProviderRef {
        /// Its name among the extensionProviders.
        name: Option<Text> = "name" [Required, MinLen(1)],
    }
}

choice! {
    /// The side of a connection that reports.
    pub enum WorkloadMode {
        /// Both sides.
        ClientAndServer = "CLIENT_AND_SERVER",
        /// The sender.
        Client = "CLIENT",
        /// The receiver.
        Server = "SERVER",
    }
}

message! {
    /// Traces of one side of the connections.
    pub struct Tracing {
        /// The side.
        r#match: Option<TracingSelector> = "match",
        /// Where spans go; not set means the mesh's default providers.
        providers: List<ProviderRef> = "providers",
        /// Share of requests that are traced, in percent.
        random_sampling_percentage: Option<Number> = "randomSamplingPercentage" [Range(0.0, 100.0)],
        /// True reports no spans.
        disable_span_reporting: Option<At<bool>> = "disableSpanReporting",
        /// True leaves trace headers out of forwarded requests.
        disable_context_propagation: Option<At<bool>> = "disableContextPropagation",
        /// Further tags by name.
        custom_tags: Map<CustomTag> = "customTags",
        /// Whether the request id decides on sampling.
        use_request_id_for_trace_sampling: Option<At<bool>> = "useRequestIdForTraceSampling",
        /// Whether spans carry Istio's own tags.
        enable_istio_tags: Option<At<bool>> = "enableIstioTags",
    }
}

message! {
    /// A side of the connections.
    pub struct TracingSelector {
        /// The side.
        mode: Option<At<WorkloadMode>> = "mode",
    }
}

message! {
    /// The value of a span's tag.
    pub struct CustomTag {
        /// Always the same text.
        literal: Option<LiteralTag> = "literal",
        /// An environment variable of the proxy.
        environment: Option<NamedTag> = "environment",
        /// A request header.
        header: Option<NamedTag> = "header",
        /// An access log format.
        formatter: Option<LiteralTag> = "formatter",
    }
    rules [AtMostOne(&["literal", "environment", "header", "formatter"])]
}

message! {
    /// A tag value as text.
    pub struct LiteralTag {
        /// The text.
        value: Option<Text> = "value" [Required, MinLen(1)],
    }
}

message! {
    /// A tag value by the name of its source.
    pub struct NamedTag {
        /// The name.
        name: Option<Text> = "name" [Required, MinLen(1)],
        /// The value where the source has none.
        default_value: Option<Text> = "defaultValue",
    }
}

message! {
    /// Metrics of some providers.
    pub struct Metrics {
        /// Where the metrics go; not set means the mesh's default providers.
        providers: List<ProviderRef> = "providers",
        /// Changes to single metrics.
        overrides: List<MetricsOverrides> = "overrides",
        /// How often metrics are sent, for providers that are sent to.
        reporting_interval: Option<At<Period>> = "reportingInterval" [DURATION],
    }
}

message! {
    /// Changes to one metric, or to all.
    pub struct MetricsOverrides {
        /// The metric and the side that reports it.
        r#match: Option<MetricSelector> = "match",
        /// True stops the metric.
        disabled: Option<At<bool>> = "disabled",
        /// Changes to its tags, by name.
        tag_overrides: Map<TagOverride> = "tagOverrides",
    }
}

message! {
    /// A metric.
    pub struct MetricSelector {
        /// One of Istio's metrics.
        metric: Option<At<IstioMetric>> = "metric",
        /// A metric of another name.
        custom_metric: Option<Text> = "customMetric" [MinLen(1)],
        /// The side that reports.
        mode: Option<At<WorkloadMode>> = "mode",
    }
    rules [AtMostOne(&["metric", "customMetric"])]
}

choice! {
    /// Istio's metrics.
    pub enum IstioMetric {
        /// All of them.
        All = "ALL_METRICS",
        /// Requests: istio_requests_total.
        RequestCount = "REQUEST_COUNT",
        /// Their duration: istio_request_duration_milliseconds.
        RequestDuration = "REQUEST_DURATION",
        /// Size of requests: istio_request_bytes.
        RequestSize = "REQUEST_SIZE",
        /// Size of responses: istio_response_bytes.
        ResponseSize = "RESPONSE_SIZE",
        /// Opened connections: istio_tcp_connections_opened_total.
        TcpOpened = "TCP_OPENED_CONNECTIONS",
        /// Closed connections: istio_tcp_connections_closed_total.
        TcpClosed = "TCP_CLOSED_CONNECTIONS",
        /// Sent bytes: istio_tcp_sent_bytes_total.
        TcpSent = "TCP_SENT_BYTES",
        /// Received bytes: istio_tcp_received_bytes_total.
        TcpReceived = "TCP_RECEIVED_BYTES",
        /// Messages to a gRPC server: istio_request_messages_total.
        GrpcRequestMessages = "GRPC_REQUEST_MESSAGES",
        /// Messages from a gRPC server: istio_response_messages_total.
        GrpcResponseMessages = "GRPC_RESPONSE_MESSAGES",
    }
}

message! {
    /// A change to one tag.
    pub struct TagOverride {
        /// Set or remove; set when not given.
        operation: Option<At<TagOperation>> = "operation",
        /// The tag's value, an expression in CEL.
        value: Option<Text> = "value",
    }
    rules [
        Cel(
            "((has(self.operation) ? self.operation : \"\") == \"UPSERT\") ? (has(self.value) && self.value != \"\") : true",
            "`value` must be set to add or change a tag (UPSERT)",
            upsert_has_value
        ),
        Cel(
            "((has(self.operation) ? self.operation : \"\") == \"REMOVE\") ? !has(self.value) : true",
            "`value` must not be set to remove a tag (REMOVE)",
            remove_has_none
        ),
    ]
}

choice! {
    /// What happens to a tag.
    pub enum TagOperation {
        /// It is added, or gets another value.
        Upsert = "UPSERT",
        /// It is left out.
        Remove = "REMOVE",
    }
}

message! {
    /// Access logs of some providers.
    pub struct AccessLogging {
        /// The side that logs.
        r#match: Option<TracingSelector> = "match",
        /// Where log lines go; not set means the mesh's default providers.
        providers: List<ProviderRef> = "providers",
        /// True stops the log.
        disabled: Option<At<bool>> = "disabled",
        /// Which requests are logged.
        filter: Option<AccessLogFilter> = "filter",
    }
}

message! {
    /// Which requests are logged.
    pub struct AccessLogFilter {
        /// A condition in CEL, as `response.code >= 400`.
        expression: Option<Text> = "expression",
    }
}

fn operation(node: &Node) -> &str {
    node.get("operation").and_then(Node::as_str).unwrap_or_default()
}

fn upsert_has_value(node: &Node) -> bool {
    operation(node) != "UPSERT" || node.get("value").and_then(Node::as_str).is_some_and(|value| !value.is_empty())
}

fn remove_has_none(node: &Node) -> bool {
    operation(node) != "REMOVE" || node.get("value").is_none_or(Node::is_null)
}

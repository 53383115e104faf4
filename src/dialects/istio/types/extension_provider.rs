//! Extension providers of MeshConfig: external authorizers, tracing backends, metrics and access log sinks.

use crate::manifests::source::{Place, Span};
use crate::message;
use crate::schema::{Any, At, Int, List, Map, Number, Opaque, Period, Text};

message! {
    /// A named provider; exactly one kind is set.
    pub struct ExtensionProvider {
        /// The name that policies and Telemetry objects use.
        name: Option<Text> = "name" [Required, MinLen(1)],
        /// External authorization over HTTP.
        envoy_ext_authz_http: Option<Box<ExtAuthzHttpProvider>> = "envoyExtAuthzHttp",
        /// External authorization over gRPC.
        envoy_ext_authz_grpc: Option<Box<ExtAuthzGrpcProvider>> = "envoyExtAuthzGrpc",
        /// Traces to Zipkin (Jaeger takes them on the same port).
        zipkin: Option<Box<BackendProvider>> = "zipkin",
        /// Traces to Lightstep, deprecated.
        lightstep: Option<Box<BackendProvider>> = "lightstep",
        /// Traces to Datadog.
        datadog: Option<Box<BackendProvider>> = "datadog",
        /// Traces, metrics and logs to Google Cloud.
        stackdriver: Option<Box<BackendProvider>> = "stackdriver",
        /// Traces to OpenCensus, deprecated.
        opencensus: Option<Box<BackendProvider>> = "opencensus",
        /// Traces to SkyWalking.
        skywalking: Option<Box<BackendProvider>> = "skywalking",
        /// Traces over OTLP.
        opentelemetry: Option<Box<BackendProvider>> = "opentelemetry",
        /// Metrics for Prometheus to scrape.
        prometheus: Option<Any> = "prometheus",
        /// Access logs to a file.
        envoy_file_access_log: Option<FileAccessLogProvider> = "envoyFileAccessLog",
        /// Access logs of HTTP to a gRPC service.
        envoy_http_als: Option<Box<BackendProvider>> = "envoyHttpAls",
        /// Access logs of TCP to a gRPC service.
        envoy_tcp_als: Option<Box<BackendProvider>> = "envoyTcpAls",
        /// Access logs over OTLP.
        envoy_otel_als: Option<Box<BackendProvider>> = "envoyOtelAls",
        /// Certificates from a secret discovery service.
        sds: Option<Box<BackendProvider>> = "sds",
    }
    rules [
        AtMostOne(&[
            "envoyExtAuthzHttp", "envoyExtAuthzGrpc", "zipkin", "lightstep", "datadog", "stackdriver", "opencensus",
            "skywalking", "opentelemetry", "prometheus", "envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls",
            "envoyOtelAls", "sds",
        ]),
    ]
}

message! {
    /// An external authorizer over HTTP.
    pub struct ExtAuthzHttpProvider {
        /// Host of the service, or `NAMESPACE/HOST`.
        service: Option<Text> = "service",
        /// Its port.
        port: Option<Int> = "port",
        /// Time for a decision.
        timeout: Option<At<Period>> = "timeout",
        /// Put before the request's path.
        path_prefix: Option<Text> = "pathPrefix",
        /// True lets requests pass when the authorizer fails.
        fail_open: Option<At<bool>> = "failOpen",
        /// True routes again after the decision.
        clear_route_cache: Option<At<bool>> = "clearRouteCache",
        /// Status for the client when the authorizer fails.
        status_on_error: Option<Text> = "statusOnError",
        /// Former name of includeRequestHeadersInCheck.
        include_headers_in_check: List<Text> = "includeHeadersInCheck",
        /// Headers of the request that the authorizer gets.
        include_request_headers_in_check: List<Text> = "includeRequestHeadersInCheck",
        /// Fixed headers that the authorizer gets.
        include_additional_headers_in_check: Map<Text> = "includeAdditionalHeadersInCheck",
        /// Whether it gets the body.
        include_request_body_in_check: Option<Opaque> = "includeRequestBodyInCheck",
        /// Headers of the decision that the application gets.
        headers_to_upstream_on_allow: List<Text> = "headersToUpstreamOnAllow",
        /// Headers of the decision that a refused client gets.
        headers_to_downstream_on_deny: List<Text> = "headersToDownstreamOnDeny",
        /// Headers of the decision that an admitted client gets.
        headers_to_downstream_on_allow: List<Text> = "headersToDownstreamOnAllow",
        /// Retries of the check.
        retry_policy: Option<Opaque> = "retryPolicy",
    }
}

message! {
    /// An external authorizer over gRPC.
    pub struct ExtAuthzGrpcProvider {
        /// Host of the service, or `NAMESPACE/HOST`.
        service: Option<Text> = "service",
        /// Its port.
        port: Option<Int> = "port",
        /// Time for a decision.
        timeout: Option<At<Period>> = "timeout",
        /// True lets requests pass when the authorizer fails.
        fail_open: Option<At<bool>> = "failOpen",
        /// True routes again after the decision.
        clear_route_cache: Option<At<bool>> = "clearRouteCache",
        /// Status for the client when the authorizer fails.
        status_on_error: Option<Text> = "statusOnError",
        /// Whether it gets the body.
        include_request_body_in_check: Option<Opaque> = "includeRequestBodyInCheck",
        /// Retries of the check.
        retry_policy: Option<Opaque> = "retryPolicy",
    }
}

message! {
    /// A backend by address. The kinds of backends share the address and differ in the rest, which no rule reads.
    pub open struct BackendProvider {
        /// Host of the service, or `NAMESPACE/HOST`.
        service: Option<Text> = "service",
        /// Its port.
        port: Option<Int> = "port",
        /// Longest path in a tag.
        max_tag_length: Option<Number> = "maxTagLength",
    }
}

message! {
    /// Access logs to a file.
    pub struct FileAccessLogProvider {
        /// The file; `/dev/stdout` when not set.
        path: Option<Text> = "path",
        /// The format.
        log_format: Option<LogFormat> = "logFormat",
        /// True leaves empty values out of JSON.
        omit_empty_values: Option<At<bool>> = "omitEmptyValues",
    }
}

message! {
    /// Format of an access log.
    pub struct LogFormat {
        /// A line of text with operators.
        text: Option<Text> = "text",
        /// JSON with operators as values.
        labels: Option<Any> = "labels",
    }
    rules [AtMostOne(&["text", "labels"])]
}

impl ExtensionProvider {
    /// The name, empty when it is missing.
    pub fn name(&self) -> &str {
        crate::schema::values::text_or_empty(self.name.as_ref())
    }

    /// The kind that is set, with its place, and its address where the kind has one.
    pub fn kind(&self) -> Option<ProviderKind<'_>> {
        let kind = |word, place, service, port| Some(ProviderKind { word, place, service, port });
        if let Some(authz) = &self.envoy_ext_authz_http {
            return kind("envoyExtAuthzHttp", authz.place, authz.service.as_ref(), authz.port.as_ref());
        }
        if let Some(authz) = &self.envoy_ext_authz_grpc {
            return kind("envoyExtAuthzGrpc", authz.place, authz.service.as_ref(), authz.port.as_ref());
        }
        if let Some(prometheus) = &self.prometheus {
            return kind("prometheus", prometheus.place, None, None);
        }
        if let Some(log) = &self.envoy_file_access_log {
            return kind("envoyFileAccessLog", log.place, None, None);
        }
        let backends = [
            ("zipkin", &self.zipkin),
            ("lightstep", &self.lightstep),
            ("datadog", &self.datadog),
            ("stackdriver", &self.stackdriver),
            ("opencensus", &self.opencensus),
            ("skywalking", &self.skywalking),
            ("opentelemetry", &self.opentelemetry),
            ("envoyHttpAls", &self.envoy_http_als),
            ("envoyTcpAls", &self.envoy_tcp_als),
            ("envoyOtelAls", &self.envoy_otel_als),
            ("sds", &self.sds),
        ];
        let (word, backend) = backends.into_iter().find_map(|(word, b)| Some((word, b.as_ref()?)))?;
        kind(word, backend.place, backend.service.as_ref(), backend.port.as_ref())
    }
}

/// The kind of a provider.
#[derive(Debug, Clone, Copy)]
pub struct ProviderKind<'p> {
    /// As written: `zipkin`.
    pub word: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Host of the backend.
    pub service: Option<&'p Text>,
    /// Its port.
    pub port: Option<&'p Int>,
}

impl ProviderKind<'_> {
    /// The bytes of the kind's key.
    pub fn span(&self) -> Span {
        self.place.key_span(self.word)
    }
}

//! WorkloadGroup: a template for workloads outside of pods, with their health check.

use super::rules::{INT32_NOT_NEGATIVE, PORT};
use super::workload_entry::WorkloadTemplate;
use crate::message;
use crate::schema::{Int, List, Map, Text};

message! {
    /// What several workloads outside of pods have in common; each gets a WorkloadEntry when it connects.
    pub struct WorkloadGroup {
        /// Labels and annotations of the WorkloadEntries.
        metadata: Option<WorkloadGroupMetadata> = "metadata",
        /// Content of the WorkloadEntries.
        template: Option<WorkloadTemplate> = "template" [Required],
        /// How the proxy finds out that the workload is healthy.
        probe: Option<ReadinessProbe> = "probe",
    }
}

message! {
    /// Labels and annotations of the WorkloadEntries of a group.
    pub struct WorkloadGroupMetadata {
        /// Labels.
        labels: Map<Text> = "labels" [MaxItems(256)],
        /// Annotations.
        annotations: Map<Text> = "annotations" [MaxItems(256)],
    }
}

message! {
    /// A health check; one method.
    pub struct ReadinessProbe {
        /// Seconds before the first check.
        initial_delay_seconds: Option<Int> = "initialDelaySeconds" [INT32_NOT_NEGATIVE],
        /// Seconds for an answer.
        timeout_seconds: Option<Int> = "timeoutSeconds" [INT32_NOT_NEGATIVE],
        /// Seconds between checks.
        period_seconds: Option<Int> = "periodSeconds" [INT32_NOT_NEGATIVE],
        /// Good answers in a row until the workload counts as healthy.
        success_threshold: Option<Int> = "successThreshold" [INT32_NOT_NEGATIVE],
        /// Bad answers in a row until it does not.
        failure_threshold: Option<Int> = "failureThreshold" [INT32_NOT_NEGATIVE],
        /// An HTTP request.
        http_get: Option<HttpHealthCheck> = "httpGet",
        /// A TCP connection.
        tcp_socket: Option<TcpHealthCheck> = "tcpSocket",
        /// A command.
        exec: Option<ExecHealthCheck> = "exec",
        /// A gRPC health check.
        grpc: Option<GrpcHealthCheck> = "grpc",
    } rules [AtMostOne(&["httpGet", "tcpSocket", "exec", "grpc"])]
}

message! {
    /// A health check by HTTP request.
    pub struct HttpHealthCheck {
        /// Path.
        path: Option<Text> = "path",
        /// Port.
        port: Option<Int> = "port" [Required, PORT],
        /// Host to connect to; the workload itself when not set.
        host: Option<Text> = "host",
        /// HTTP or HTTPS.
        scheme: Option<Text> = "scheme" [Test(
            r#"self in ["", "HTTP", "HTTPS"]"#,
            "must be HTTP or HTTPS",
            |node| node.as_str().is_none_or(|scheme| ["", "HTTP", "HTTPS"].contains(&scheme)),
        )],
        /// Headers of the request.
        http_headers: List<HttpHeader> = "httpHeaders",
    }
}

message! {
    /// One header of a health check.
    pub struct HttpHeader {
        /// Name.
        name: Option<Text> = "name" [Test(
            r#"self.matches("^[-_A-Za-z0-9]+$")"#,
            "must be of letters, digits, `-` and `_`",
            |node| node.as_str().is_none_or(header_name),
        )],
        /// Value.
        value: Option<Text> = "value",
    }
}

message! {
    /// A health check by TCP connection.
    pub struct TcpHealthCheck {
        /// Host to connect to; the workload itself when not set.
        host: Option<Text> = "host",
        /// Port.
        port: Option<Int> = "port" [Required, PORT],
    }
}

message! {
    /// A health check by command: healthy when it ends with 0.
    pub struct ExecHealthCheck {
        /// Command and arguments.
        command: List<Text> = "command" [Required, Each(&MinLen(1))],
    }
}

message! {
    /// A health check by the gRPC health protocol.
    pub struct GrpcHealthCheck {
        /// Service to ask for.
        service: Option<Text> = "service",
        /// Port.
        port: Option<Int> = "port" [PORT],
    }
}

fn header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

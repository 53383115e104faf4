//! Which gRPC service is called, and how: `envoy.config.core.v3.GrpcService`.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::google::Google;
use crate::http::Headers;
use crate::proto::Reader;

/// A service as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct GrpcService {
    /// Bounds the time to the head of a response.
    pub(super) timeout: Option<Duration>,
    /// Fields that every call carries.
    pub(super) metadata: Headers,
    pub(super) target: Target,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// Behind a cluster of the configuration (`envoy_grpc`).
    Cluster {
        name: String,
        /// Sent as `:authority`.
        authority: String,
    },
    /// At an address of its own (`google_grpc`).
    Google(Box<Google>),
}

impl GrpcService {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let timeout = reader.duration("timeout").filter(|timeout| !timeout.is_zero());
        let mut metadata = Headers::new();
        for field in reader.list("initial_metadata") {
            let name = field.need_text("key").and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
            let raw = field.bytes("raw_value");
            let value = field.text("value");
            let value = HeaderValue::from_bytes(if raw.is_empty() { value.as_bytes() } else { &raw });
            match (name, value) {
                (Some(name), Ok(value)) => metadata.add(name, value),
                _ => field.defect("", "is no header field"),
            }
        }
        let target = match reader.choice("target_specifier").as_deref() {
            Some("envoy_grpc") => {
                let envoy = reader.message("envoy_grpc")?;
                // The x-envoy-* fields that it would leave out are not sent by this client.
                envoy.ignore(&["skip_envoy_headers"]);
                let name = envoy.need_text("cluster_name")?;
                let authority = envoy.opt_text("authority").unwrap_or_else(|| name.clone());
                Target::Cluster { name, authority }
            }
            Some("google_grpc") => Target::Google(Box::new(Google::read(&reader.message("google_grpc")?)?)),
            _ => {
                reader.defect("target_specifier", "must be set");
                return None;
            }
        };
        Some(Self { timeout, metadata, target })
    }
}

//! A collector that speaks OTLP, over gRPC or over HTTP.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Kind};
use prost::Message;

use crate::cluster::{Choice, SendOptions};
use crate::grpc::Channel;
use crate::http::{Headers, Request, RequestHead, Version};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::telemetry::format::Format;

/// Time that one export may take when the configuration does not say.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;

/// Where exports go.
#[derive(Debug, Clone)]
pub struct Otlp(Arc<Transport>);

#[derive(Debug)]
enum Transport {
    Grpc(Channel),
    Http(Http),
}

#[derive(Debug)]
struct Http {
    services: Arc<Services>,
    cluster: String,
    authority: String,
    path: String,
    timeout: Duration,
    headers: Headers,
}

impl Otlp {
    /// Reads the fields `grpc_service` and `http_service` of a configuration, one of which has to be set.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let grpc = reader.message("grpc_service");
        let http = reader.message("http_service");
        let transport = match (grpc, http) {
            (Some(grpc), None) => Channel::read(&grpc, build).map(Transport::Grpc),
            (None, Some(http)) => Http::read(&http, build).map(Transport::Http),
            (Some(_), Some(_)) => {
                reader.defect("http_service", "stands beside grpc_service: one of them is used");
                None
            }
            (None, None) => {
                reader.defect("grpc_service", "one of grpc_service and http_service must be set");
                None
            }
        };
        transport.map(|transport| Self(Arc::new(transport)))
    }

    /// A collector behind a gRPC channel.
    pub fn grpc(channel: Channel) -> Self {
        Self(Arc::new(Transport::Grpc(channel)))
    }

    /// Sends spans.
    pub async fn traces(&self, request: ExportTraceServiceRequest) -> Result<(), String> {
        match &*self.0 {
            Transport::Grpc(channel) => {
                let export = async { TraceServiceClient::new(channel.clone()).export(request).await.map(|_| ()) };
                patient(export).await
            }
            Transport::Http(http) => http.post(&request).await,
        }
    }

    /// Sends log records.
    pub async fn logs(&self, request: ExportLogsServiceRequest) -> Result<(), String> {
        match &*self.0 {
            Transport::Grpc(channel) => {
                let export = async { LogsServiceClient::new(channel.clone()).export(request).await.map(|_| ()) };
                patient(export).await
            }
            Transport::Http(http) => http.post(&request).await,
        }
    }
}

async fn patient(export: impl Future<Output = Result<(), tonic::Status>>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, export).await {
        Ok(done) => done.map_err(|status| format!("{:?}: {}", status.code(), status.message())),
        Err(_) => Err("the collector did not answer in time".into()),
    }
}

impl Http {
    /// Reads `envoy.config.core.v3.HttpService`.
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let uri = reader.need("http_uri")?;
        let target = uri.need_text("uri")?;
        let cluster = uri.need_text("cluster")?;
        let Ok(parsed) = target.parse::<http::Uri>() else {
            uri.defect("uri", format!("{target:?} is no URI"));
            return None;
        };
        Some(Self {
            services: build.services.clone(),
            authority: parsed.authority().map_or_else(|| cluster.clone(), ToString::to_string),
            path: parsed.path_and_query().map_or_else(|| "/".to_string(), ToString::to_string),
            timeout: uri.duration("timeout").filter(|timeout| !timeout.is_zero()).unwrap_or(PATIENCE),
            headers: added(reader)?,
            cluster,
        })
    }

    async fn post(&self, message: &impl Message) -> Result<(), String> {
        let posted = tokio::time::timeout(self.timeout, self.send(message.encode_to_vec())).await;
        posted.unwrap_or_else(|_| Err("the collector did not answer in time".into()))
    }

    async fn send(&self, body: Vec<u8>) -> Result<(), String> {
        let unknown = || format!("the cluster {} is not known", self.cluster);
        let cluster = self.services.clusters.get(&self.cluster).ok_or_else(unknown)?;
        let choice = Choice { random: fastrand::u64(..), ..Choice::default() };
        let host = cluster.pick(&choice).ok_or("the collector has no healthy host")?;
        let mut headers = self.headers.clone();
        headers.set(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.set(header::CONTENT_LENGTH, body.len().into());
        let head = RequestHead {
            method: Method::POST,
            scheme: "http",
            authority: self.authority.clone(),
            path: self.path.clone(),
            upgrade: None,
            version: Version::Http11,
            headers,
        };
        let request = Request { head, body: bytes::Bytes::from(body).into() };
        let answer = cluster.send(&host, request, &SendOptions::default()).await.map_err(|error| error.to_string())?;
        let mut response = answer.response;
        // Read over, so that the connection can be used again.
        let _ = response.body.collect(ANSWER).await;
        let status = response.head.status;
        if status.is_success() { Ok(()) } else { Err(format!("the collector answered {status}")) }
    }
}

/// Header fields that every export has. Their values are the same for all.
fn added(reader: &Reader<'_>) -> Option<Headers> {
    let mut headers = Headers::new();
    for option in reader.list("request_headers_to_add") {
        // All are set once; there is nothing that they could be appended to.
        option.ignore(&["append", "append_action", "keep_empty_value"]);
        let field = option.need("header")?;
        let name = field.need_text("key").and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let raw = field.bytes("raw_value");
        let text = field.text("value");
        let value = match Format::parse(&text) {
            Ok(format) => format.constant().map(str::to_string),
            Err(_) => None,
        };
        let value = if raw.is_empty() { value.map(String::into_bytes) } else { Some(raw.to_vec()) };
        match (name, value.and_then(|value| HeaderValue::from_bytes(&value).ok())) {
            (Some(name), Some(value)) => headers.set(name, value),
            _ => {
                field.defect("value", "wants a field whose value is the same for all exports");
                return None;
            }
        }
    }
    Some(headers)
}

/// A text as a value of OTLP.
pub fn any_value(text: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Kind::StringValue(text.into())) }
}

/// A text attribute of OTLP.
pub fn attribute(key: impl Into<String>, text: impl Into<String>) -> KeyValue {
    KeyValue { key: key.into(), value: Some(any_value(text)), ..KeyValue::default() }
}

//! `envoy.config.trace.v3.OpenTelemetryConfig`: who gets the spans, and as what they are told apart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::sampler::Sampler;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::export::{Batch, Entries, Otlp, attribute};
use crate::telemetry::format::variable;
use crate::telemetry::stats::{Counter, Scope};

/// Name and version under which spans are exported.
const NAME: &str = "meshctl";

/// Envoy sends 5 spans at once, or what it has after 5 s. A span takes about 1 KiB.
const INTERVAL: Duration = Duration::from_secs(5);
const ENOUGH: usize = 64 * 1024;

/// Takes spans for a collector.
#[derive(Debug)]
pub struct Provider {
    spans: Batch<Span>,
    /// Decides instead of the request id, when it is configured.
    pub sampler: Option<Sampler>,
}

impl Provider {
    /// Reads a `Tracing.Http` provider.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // Names are for people.
        reader.ignore(&["name"]);
        let (kind, config) = reader.any("typed_config")?;
        match kind.as_str() {
            "envoy.config.trace.v3.OpenTelemetryConfig" => Self::open_telemetry(&config, build),
            other => {
                config.defect("", format!("the proxy does not have the tracer {other}: use OpenTelemetry"));
                None
            }
        }
    }

    fn open_telemetry(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // The queue is bounded by bytes, not by spans.
        reader.ignore(&["max_cache_size"]);
        if reader.has("exporter") {
            reader.defect("exporter", "the proxy exports over grpc_service or http_service");
        }
        let sampler = match reader.message("sampler") {
            Some(sampler) => Some(Sampler::read(&sampler)?),
            None => None,
        };
        let resource = resource(reader);
        let scope = reader.opt_flag("set_instrumentation_scope").unwrap_or(true).then(|| InstrumentationScope {
            name: NAME.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..InstrumentationScope::default()
        });
        let collector = Otlp::read(reader, build)?;
        let stats = Scope::root(&build.services.stats).sub("tracing").sub("opentelemetry");
        let (spans, entries) = Batch::new(ENOUGH, INTERVAL, stats.counter("spans_dropped"));
        let sent = stats.counter("spans_sent");
        let failed = stats.counter("spans_failed");
        build.services.main.spawn(run(Exporter { entries, collector, resource, scope, sent, failed }));
        Some(Self { spans, sampler })
    }

    /// A provider whose spans a test reads.
    #[cfg(test)]
    pub fn for_tests() -> (Self, Entries<Span>) {
        let (spans, entries) = Batch::new(1, INTERVAL, Arc::default());
        (Self { spans, sampler: None }, entries)
    }

    /// Takes a span.
    pub fn record(&self, span: Span) {
        let size = 200 + span.attributes.iter().map(|pair| pair.key.len() + 60).sum::<usize>();
        self.spans.push(span, size);
    }
}

struct Exporter {
    entries: Entries<Span>,
    collector: Otlp,
    resource: Resource,
    scope: Option<InstrumentationScope>,
    sent: Arc<Counter>,
    failed: Arc<Counter>,
}

/// Sends batches until nobody records any more. A batch that cannot be sent is lost, and counted.
async fn run(mut exporter: Exporter) {
    while let Some(spans) = exporter.entries.next().await {
        let count = spans.len() as u64;
        let spans = ScopeSpans { scope: exporter.scope.clone(), spans, ..ScopeSpans::default() };
        let resource = Some(exporter.resource.clone());
        let all = ResourceSpans { resource, scope_spans: vec![spans], ..ResourceSpans::default() };
        match exporter.collector.traces(ExportTraceServiceRequest { resource_spans: vec![all] }).await {
            Ok(()) => exporter.sent.add(count),
            Err(error) => {
                tracing::debug!("{count} spans are lost: {error}");
                exporter.failed.add(count);
            }
        }
    }
}

/// What the spans of this process have in common.
fn resource(reader: &Reader<'_>) -> Resource {
    let mut attributes = BTreeMap::new();
    if reader.opt_flag("set_telemetry_sdk_resource_attributes").unwrap_or(true) {
        attributes.insert("telemetry.sdk.language".to_string(), "rust".to_string());
        attributes.insert("telemetry.sdk.name".to_string(), NAME.to_string());
        attributes.insert("telemetry.sdk.version".to_string(), env!("CARGO_PKG_VERSION").to_string());
    }
    let name = reader.opt_text("service_name");
    if reader.opt_flag("set_service_name_resource_attribute").unwrap_or(true) {
        let name = name.unwrap_or_else(|| "unknown_service:envoy".into());
        attributes.insert("service.name".to_string(), name);
    }
    for detector in reader.list("resource_detectors") {
        detect(&detector, &mut attributes);
    }
    let attributes = attributes.into_iter().map(|(key, value)| attribute(key, value)).collect();
    Resource { attributes, ..Resource::default() }
}

/// Adds what a resource detector finds.
fn detect(reader: &Reader<'_>, attributes: &mut BTreeMap<String, String>) {
    const PACKAGE: &str = "envoy.extensions.tracers.opentelemetry.resource_detectors.v3.";
    reader.ignore(&["name"]);
    let Some((kind, config)) = reader.any("typed_config") else { return };
    match kind.strip_prefix(PACKAGE) {
        Some("EnvironmentResourceDetectorConfig") => {
            let pairs = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
            let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
            attributes.extend(pairs.map(|(key, value)| (key.trim().to_string(), value.trim().to_string())));
        }
        Some("StaticConfigResourceDetectorConfig") => attributes.extend(config.text_map("attributes")),
        _ => {
            config.ignore_all();
            config.defect("", format!("the proxy does not have the resource detector {kind}"));
        }
    }
}

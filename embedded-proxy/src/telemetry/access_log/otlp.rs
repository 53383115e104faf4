//! `envoy.extensions.access_loggers.open_telemetry.v3`: entries as OTLP log records.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value as Kind};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use serde_json::Value;

use crate::grpc::Channel;
use crate::proto::{Reader, to_json};
use crate::services::Build;
use crate::telemetry::export::{Batch, Entries, Otlp, any_value, attribute};
use crate::telemetry::format::{Format, FormatContext};
use crate::telemetry::stats::{Counter, Scope};
use crate::telemetry::tag::{self, CustomTag};

/// Envoy's defaults: 16 KiB, 1 s.
const ENOUGH: u32 = 16 * 1024;
const INTERVAL: Duration = Duration::from_secs(1);

/// A log whose entries go to a collector.
#[derive(Debug)]
pub struct OtlpLog {
    records: Batch<LogRecord>,
    body: Option<Template>,
    attributes: Vec<(String, Template)>,
    state: Vec<String>,
    tags: Vec<CustomTag>,
}

/// A value of OTLP whose texts are formats.
#[derive(Debug)]
enum Template {
    Text(Format),
    Fixed(AnyValue),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

impl Template {
    /// Reads an `AnyValue` in protobuf JSON.
    fn parse(value: &Value) -> Result<Self, String> {
        let Some((kind, inner)) = value.as_object().and_then(|fields| fields.iter().next()) else {
            return Ok(Self::Fixed(AnyValue::default()));
        };
        let list = |inner: &Value| inner.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
        let fixed = |kind: Option<Kind>| Self::Fixed(AnyValue { value: kind });
        Ok(match kind.as_str() {
            "string_value" => Self::Text(Format::parse(inner.as_str().unwrap_or_default())?),
            "bool_value" => fixed(inner.as_bool().map(Kind::BoolValue)),
            "int_value" => {
                let number = inner.as_i64().or_else(|| inner.as_str()?.parse().ok());
                fixed(number.map(Kind::IntValue))
            }
            "double_value" => fixed(inner.as_f64().map(Kind::DoubleValue)),
            "array_value" => Self::List(list(inner).iter().map(Self::parse).collect::<Result<_, _>>()?),
            "kvlist_value" => Self::Map(pairs(&list(inner))?),
            other => return Err(format!("values of the kind {other} are not taken")),
        })
    }

    fn value(&self, context: &FormatContext<'_>) -> AnyValue {
        let kind = match self {
            Self::Text(format) => Kind::StringValue(format.text(context)),
            Self::Fixed(value) => return value.clone(),
            Self::List(values) => {
                Kind::ArrayValue(ArrayValue { values: values.iter().map(|value| value.value(context)).collect() })
            }
            Self::Map(pairs) => Kind::KvlistValue(KeyValueList { values: filled(pairs, context) }),
        };
        AnyValue { value: Some(kind) }
    }
}

fn filled(pairs: &[(String, Template)], context: &FormatContext<'_>) -> Vec<KeyValue> {
    let pair = |(key, value): &(String, Template)| KeyValue {
        key: key.clone(),
        value: Some(value.value(context)),
        ..KeyValue::default()
    };
    pairs.iter().map(pair).collect()
}

fn pairs(values: &[Value]) -> Result<Vec<(String, Template)>, String> {
    let pair = |pair: &Value| {
        let key = pair.get("key").and_then(Value::as_str).unwrap_or_default().to_string();
        let value =
            Template::parse(pair.get("value").unwrap_or(&Value::Null)).map_err(|error| format!("{key}: {error}"));
        value.map(|value| (key, value))
    };
    values.iter().map(pair).collect()
}

/// A `KeyValueList` in a field; a format that is wrong is a defect.
fn list(reader: &Reader<'_>, field: &str) -> Option<Vec<(String, Template)>> {
    let Some(list) = reader.message(field) else { return Some(Vec::new()) };
    list.ignore_all();
    let values = to_json(list.raw()).get("values").and_then(Value::as_array).cloned().unwrap_or_default();
    match pairs(&values) {
        Ok(pairs) => Some(pairs),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

impl OtlpLog {
    /// Reads the message. The deprecated `common_config` says the same as the fields beside it.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // Only in names of stats, which are few here.
        reader.ignore(&["stat_prefix"]);
        if !reader.list("formatters").iter().map(Reader::ignore_all).collect::<Vec<()>>().is_empty() {
            reader.defect("formatters", "the proxy has no further operators");
        }
        if !reader.list("resource_detectors").iter().map(Reader::ignore_all).collect::<Vec<()>>().is_empty() {
            reader.defect("resource_detectors", "the proxy takes resource_attributes only");
        }
        let common = reader.message("common_config");
        let from = common.as_ref().unwrap_or(reader);
        let name = from.text("log_name");
        let enough = from.u32("buffer_size_bytes").unwrap_or(ENOUGH);
        let interval = from.duration("buffer_flush_interval").unwrap_or(INTERVAL);
        let state = from.texts("filter_state_objects_to_log");
        let tags = tag::read_all(&from.list("custom_tags"))?;
        let collector = match &common {
            Some(common) => {
                common.ignore(&["transport_api_version", "grpc_stream_retry_policy"]);
                Channel::read(&common.need("grpc_service")?, build).map(Otlp::grpc)
            }
            None => Otlp::read(reader, build),
        };
        let body = match reader.message("body") {
            Some(body) => {
                body.ignore_all();
                match Template::parse(&to_json(body.raw())) {
                    Ok(body) => Some(body),
                    Err(error) => {
                        reader.defect("body", error);
                        return None;
                    }
                }
            }
            None => None,
        };
        let attributes = list(reader, "attributes")?;
        let resource = resource(reader, build, &name)?;
        let scope = Scope::root(&build.services.stats).sub("access_logs").sub("open_telemetry_access_log");
        let (records, entries) = Batch::new(enough as usize, interval, scope.counter("logs_dropped"));
        let exporter = Exporter {
            entries,
            collector: collector?,
            resource,
            written: scope.counter("logs_written"),
            dropped: scope.counter("logs_dropped"),
        };
        build.services.main.spawn(run(exporter));
        Some(Self { records, body, attributes, state, tags })
    }

    /// Takes an entry.
    pub fn log(&self, context: &FormatContext<'_>) {
        let record = self.record(context);
        let size = record.encoded_len();
        self.records.push(record, size);
    }

    fn record(&self, context: &FormatContext<'_>) -> LogRecord {
        let info = context.info;
        let began = info.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut attributes = filled(&self.attributes, context);
        let state = self.state.iter().filter_map(|key| Some(attribute(key, info.state.get(key)?)));
        attributes.extend(state);
        let tags = self.tags.iter().filter_map(|tag| Some(attribute(&tag.tag, tag.value(context)?)));
        attributes.extend(tags);
        LogRecord {
            time_unix_nano: u64::try_from(began.as_nanos()).unwrap_or(u64::MAX),
            body: self.body.as_ref().map(|body| body.value(context)),
            attributes,
            trace_id: info.trace.as_ref().map(|(id, _)| bytes_of(id)).unwrap_or_default(),
            span_id: info.span.as_deref().map(bytes_of).unwrap_or_default(),
            ..LogRecord::default()
        }
    }
}

/// The bytes that hex digits stand for.
fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// What all records have in common: the labels that Envoy sets, and those of the configuration.
fn resource(reader: &Reader<'_>, build: &Build, log_name: &str) -> Option<Resource> {
    let mut attributes = Vec::new();
    if !reader.flag("disable_builtin_labels") {
        let node = &build.services.node;
        let labels = [
            ("log_name", log_name),
            ("zone_name", node.locality.1.as_str()),
            ("cluster_name", node.cluster.as_str()),
            ("node_name", node.id.as_str()),
        ];
        attributes.extend(labels.map(|(key, value)| attribute(key, value)));
    }
    for (key, value) in list(reader, "resource_attributes")? {
        match value {
            Template::Text(format) => match format.constant() {
                Some(text) => attributes.push(KeyValue { key, value: Some(any_value(text)), ..KeyValue::default() }),
                None => {
                    reader.defect(
                        "resource_attributes",
                        format!("{key} is the same for all entries: it has no operators"),
                    );
                    return None;
                }
            },
            Template::Fixed(value) => attributes.push(KeyValue { key, value: Some(value), ..KeyValue::default() }),
            Template::List(_) | Template::Map(_) => {
                reader.defect("resource_attributes", format!("{key} is no single value"));
                return None;
            }
        }
    }
    Some(Resource { attributes, ..Resource::default() })
}

struct Exporter {
    entries: Entries<LogRecord>,
    collector: Otlp,
    resource: Resource,
    written: std::sync::Arc<Counter>,
    dropped: std::sync::Arc<Counter>,
}

/// Sends batches until nobody logs any more. A batch that cannot be sent is lost, and counted.
async fn run(mut exporter: Exporter) {
    while let Some(log_records) = exporter.entries.next().await {
        let count = log_records.len() as u64;
        let scope = ScopeLogs { log_records, ..ScopeLogs::default() };
        let resource = Some(exporter.resource.clone());
        let all = ResourceLogs { resource, scope_logs: vec![scope], ..ResourceLogs::default() };
        match exporter.collector.logs(ExportLogsServiceRequest { resource_logs: vec![all] }).await {
            Ok(()) => exporter.written.add(count),
            Err(error) => {
                tracing::debug!("{count} log entries are lost: {error}");
                exporter.dropped.add(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defects, from_json};
    use crate::services::for_tests;
    use crate::stream::{Connection, StreamInfo};

    fn read(config: &Value) -> Result<OtlpLog, String> {
        let name = "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig";
        let message = from_json(name, config).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "", &defects);
        let log = OtlpLog::read(&reader, &for_tests());
        drop(reader);
        defects.verdict(log).map_err(|defects| defects[0].to_string())
    }

    #[tokio::test]
    async fn texts_are_formats() {
        let log = read(&json!({
            "log_name": "l",
            "grpc_service": {"envoy_grpc": {"cluster_name": "c"}},
            "body": {"string_value": "code %RESPONSE_CODE%"},
            "attributes": {"values": [
                {"key": "code", "value": {"string_value": "%RESPONSE_CODE%"}},
                {"key": "fixed", "value": {"int_value": "7"}},
                {"key": "list", "value": {"array_value": {"values": [{"string_value": "%PROTOCOL%"}]}}},
            ]},
        }))
        .unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let connection = Connection::plain(address, address);
        let mut info = StreamInfo::begin();
        info.code = Some(404);
        info.trace = Some(("0af7651916cd43dd8448eb211c80319c".into(), true));
        let record = log.record(&FormatContext::new(&connection, &info));
        assert_eq!(record.body, Some(any_value("code 404")));
        assert_eq!(record.attributes[0].value, Some(any_value("404")));
        assert_eq!(record.attributes[1].value, Some(AnyValue { value: Some(Kind::IntValue(7)) }));
        assert_eq!(record.trace_id.len(), 16);
    }

    #[tokio::test]
    async fn what_is_wrong_is_named() {
        let service = json!({"envoy_grpc": {"cluster_name": "c"}});
        let error = read(&json!({"grpc_service": service, "body": {"string_value": "%NOPE%"}})).unwrap_err();
        assert_eq!(error, "body: there is no operator NOPE");
        let error = read(&json!({"log_name": "l"})).unwrap_err();
        assert!(error.starts_with("grpc_service: "), "{error}");
    }
}

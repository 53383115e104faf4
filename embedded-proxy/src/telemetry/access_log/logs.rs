//! `envoy.config.accesslog.v3.AccessLog`: the logs of a listener, a connection manager or a TCP proxy.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;

use super::als::GrpcLog;
use super::otlp::OtlpLog;
use super::{Filter, Writer};
use crate::proto::{Reader, to_json};
use crate::services::Build;
use crate::telemetry::format::{DEFAULT, Format, FormatContext, JsonFormat, Substitution};
use crate::telemetry::stats::Scope;

/// Access logs in their order. Clones share the sinks.
#[derive(Debug, Clone, Default)]
pub struct AccessLogs(Arc<[AccessLog]>);

#[derive(Debug)]
struct AccessLog {
    filter: Option<Filter>,
    sink: Sink,
}

/// Where entries go.
#[derive(Debug)]
enum Sink {
    /// Lines to a file or a stream.
    Lines(Substitution, Arc<Writer>),
    /// Messages to a service.
    Grpc(Box<GrpcLog>),
    /// Records to a collector.
    Otlp(Box<OtlpLog>),
}

thread_local! {
    /// The line that is being made: kept, so that logging does not allocate.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl AccessLogs {
    /// Reads the `access_log` list of a listener, a connection manager or a TCP proxy. None: defects were noted.
    pub fn read(readers: &[Reader<'_>], build: &Build) -> Option<Self> {
        let logs: Vec<Option<AccessLog>> = readers.iter().map(|reader| AccessLog::read(reader, build)).collect();
        logs.into_iter().collect::<Option<Vec<_>>>().map(|logs| Self(logs.into()))
    }

    /// Whether nothing is logged.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Logs an exchange or a connection. Never waits: entries that find no room are dropped and counted.
    pub fn log(&self, context: &FormatContext<'_>) {
        for log in self.0.iter() {
            if log.filter.as_ref().is_none_or(|filter| filter.takes(context)) {
                log.sink.log(context);
            }
        }
    }
}

impl AccessLog {
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // Names are for people.
        reader.ignore(&["name"]);
        let filter = match reader.message("filter") {
            Some(filter) => Some(Filter::read(&filter)?),
            None => None,
        };
        let Some((kind, config)) = reader.any("typed_config") else {
            reader.defect("typed_config", "must be set");
            return None;
        };
        let sink = match kind.as_str() {
            "envoy.extensions.access_loggers.file.v3.FileAccessLog" => file(&config, build),
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog" => {
                lines(format(&config), "/dev/stdout", &config, build)
            }
            "envoy.extensions.access_loggers.stream.v3.StderrAccessLog" => {
                lines(format(&config), "/dev/stderr", &config, build)
            }
            "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig" => {
                GrpcLog::read(&config, build, false).map(|log| Sink::Grpc(Box::new(log)))
            }
            "envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig" => {
                GrpcLog::read(&config, build, true).map(|log| Sink::Grpc(Box::new(log)))
            }
            "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig" => {
                OtlpLog::read(&config, build).map(|log| Sink::Otlp(Box::new(log)))
            }
            other => {
                config.defect("", format!("the proxy does not have the access log {other}"));
                None
            }
        };
        Some(Self { filter, sink: sink? })
    }
}

impl Sink {
    fn log(&self, context: &FormatContext<'_>) {
        match self {
            Self::Lines(format, writer) => LINE.with_borrow_mut(|line| {
                line.clear();
                format.render(context, line);
                writer.write(line);
                // One long line does not keep its memory.
                line.shrink_to(16 * 1024);
            }),
            Self::Grpc(log) => log.log(context),
            Self::Otlp(log) => log.log(context),
        }
    }
}

fn file(reader: &Reader<'_>, build: &Build) -> Option<Sink> {
    let path = reader.need_text("path");
    let format = match reader.choice("access_log_format").as_deref() {
        Some("format") => match Format::parse(&reader.text("format")) {
            Ok(format) => Some(Substitution::Text(format)),
            Err(error) => {
                reader.defect("format", error);
                None
            }
        },
        Some(old @ ("json_format" | "typed_json_format")) => json(reader, old),
        _ => format(reader),
    };
    lines(format, &path?, reader, build)
}

/// The deprecated formats: all texts, or typed.
fn json(reader: &Reader<'_>, field: &str) -> Option<Substitution> {
    let object = reader.message(field)?;
    object.ignore_all();
    let value: Value = to_json(object.raw());
    match JsonFormat::parse(&value, false) {
        Ok(format) => Some(Substitution::Json(format)),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

/// `log_format`, or Envoy's default format.
fn format(reader: &Reader<'_>) -> Option<Substitution> {
    match reader.message("log_format") {
        Some(format) => {
            // Only local replies have a content type.
            format.ignore(&["content_type"]);
            Substitution::read(&format)
        }
        None => Format::parse(DEFAULT).ok().map(Substitution::Text),
    }
}

fn lines(format: Option<Substitution>, path: &str, reader: &Reader<'_>, build: &Build) -> Option<Sink> {
    let format = format?;
    match build.services.log_files.open(path, &Scope::root(&build.services.stats)) {
        Ok(writer) => Some(Sink::Lines(format, writer)),
        Err(error) => {
            reader.defect("", format!("the file {path} cannot be opened: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::proto::{Defects, from_json};
    use crate::services::for_tests;
    use crate::stream::{Connection, StreamInfo};

    fn read(build: &Build, value: &Value) -> Result<AccessLogs, String> {
        let message = from_json("envoy.config.accesslog.v3.AccessLog", value).unwrap();
        let defects = Defects::new();
        let readers = [Reader::new(message, "access_log[0]", &defects)];
        let logs = AccessLogs::read(&readers, build);
        drop(readers);
        defects.verdict(logs).map_err(|defects| defects[0].to_string())
    }

    #[tokio::test]
    async fn entries_that_the_filter_takes_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let build = for_tests();
        let status = json!({"comparison": {"op": "GE", "value": {"default_value": 500, "runtime_key": "k"}}});
        let logs = read(
            &build,
            &json!({
                "name": "a", "filter": {"status_code_filter": status},
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": path, "log_format": {"json_format": {"code": "%RESPONSE_CODE%"}},
                },
            }),
        )
        .unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let connection = Connection::plain(address, address);
        let mut info = StreamInfo::begin();
        for code in [200, 503] {
            info.code = Some(code);
            logs.log(&FormatContext::new(&connection, &info));
        }
        build.services.log_files.flush(Duration::from_secs(5));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"code\":503}\n");
    }

    #[tokio::test]
    async fn what_cannot_be_honoured_is_named() {
        let build = for_tests();
        let config = |kind: &str, fields: Value| {
            let mut config = fields;
            config["@type"] = format!("type.googleapis.com/{kind}").into();
            json!({"name": "a", "typed_config": config})
        };
        let file = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
        let error = read(&build, &config(file, json!({"path": "/nonexistent/x"}))).unwrap_err();
        assert!(error.contains("/nonexistent/x"), "{error}");
        let stdout = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
        let format = json!({"log_format": {"text_format_source": {"inline_string": "%DOWNSTREAM_CX_RTT%"}}});
        let error = read(&build, &config(stdout, format)).unwrap_err();
        assert_eq!(
            error,
            "access_log[0].typed_config.log_format.text_format_source: the proxy does not have the operator DOWNSTREAM_CX_RTT"
        );
        let other = "envoy.config.accesslog.v3.DurationFilter";
        assert!(read(&build, &config(other, json!({}))).unwrap_err().contains(other));
    }
}

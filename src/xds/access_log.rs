//! Access logs of proxies: the mesh's file, for those for which nothing else is said.

use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog, access_log::ConfigType};
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, SubstitutionFormatString, data_source::Specifier, substitution_format_string::Format,
};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log::AccessLogFormat};
use envoy_types::pb::google::protobuf::Struct;

use super::View;
use super::proto::{any, text_struct};
use crate::ir::LogFormat;

/// The access logs of a proxy.
pub fn of(view: &View<'_>) -> Vec<AccessLog> {
    view.mesh.settings.access_log.iter().map(|(path, format)| file(path, format)).collect()
}

/// A file with a format.
pub fn file(path: &str, format: &LogFormat) -> AccessLog {
    let format = match format {
        LogFormat::Text(text) => {
            // Every line ends, also when the format does not say so.
            let text = if text.ends_with('\n') { text.to_string() } else { format!("{text}\n") };
            Format::TextFormatSource(DataSource {
                specifier: Some(Specifier::InlineString(text)),
                ..DataSource::default()
            })
        }
        LogFormat::Json(fields) => Format::JsonFormat(json(fields)),
    };
    let format = SubstitutionFormatString { format: Some(format), ..SubstitutionFormatString::default() };
    let file = FileAccessLog { path: path.to_owned(), access_log_format: Some(AccessLogFormat::LogFormat(format)) };
    AccessLog {
        name: "envoy.access_loggers.file".into(),
        config_type: Some(ConfigType::TypedConfig(any(&file))),
        ..AccessLog::default()
    }
}

fn json(fields: &[(crate::ir::Name, crate::ir::Name)]) -> Struct {
    text_struct(fields.iter().map(|(label, text)| (label.to_string(), text.to_string())))
}

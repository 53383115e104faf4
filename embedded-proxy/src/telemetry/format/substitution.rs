//! `envoy.config.core.v3.SubstitutionFormatString`: a format in a configuration, text or JSON.

use super::{Format, FormatContext, JsonFormat};
use crate::proto::{Reader, to_json};

/// A format as access logs and local replies configure it.
#[derive(Debug, Clone)]
pub enum Substitution {
    /// A line, without a line feed of its own.
    Text(Format),
    /// An object; a line feed follows it.
    Json(JsonFormat),
}

impl Substitution {
    /// Reads a `SubstitutionFormatString`. `content_type` is left to the caller: local replies take it.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Keys are always sorted here.
        reader.ignore(&["json_format_options"]);
        let omit = reader.flag("omit_empty_values");
        for formatter in reader.list("formatters") {
            formatter_extension(&formatter);
        }
        let choice = reader.choice("format");
        match choice.as_deref() {
            Some("text_format") => text(reader, "text_format", &reader.text("text_format"), omit),
            Some("text_format_source") => source(reader, omit),
            Some("json_format") => json(reader, omit),
            _ => {
                reader.defect("format", "must be set");
                None
            }
        }
    }

    /// Appends what it makes of these facts.
    pub fn render(&self, context: &FormatContext<'_>, out: &mut String) {
        match self {
            Self::Text(format) => format.render(context, out),
            Self::Json(format) => {
                format.render(context, out);
                out.push('\n');
            }
        }
    }
}

/// Formatters that are built in are harmless, others would add operators.
fn formatter_extension(reader: &Reader<'_>) {
    let _ = reader.text("name");
    if let Some((name, config)) = reader.any("typed_config") {
        config.ignore_all();
        if name != "envoy.extensions.formatter.metadata.v3.Metadata" {
            reader.defect("typed_config", format!("the proxy does not have the formatter {name}"));
        }
    }
}

fn text(reader: &Reader<'_>, field: &str, text: &str, omit: bool) -> Option<Substitution> {
    match Format::parse(text) {
        Ok(format) => Some(Substitution::Text(if omit { format.omit_empty() } else { format })),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

fn source(reader: &Reader<'_>, omit: bool) -> Option<Substitution> {
    let source = reader.message("text_format_source")?;
    let data = match source.choice("specifier").as_deref() {
        Some("inline_string") => source.text("inline_string"),
        Some("inline_bytes") => String::from_utf8_lossy(&source.bytes("inline_bytes")).into_owned(),
        Some("filename") => match std::fs::read_to_string(source.text("filename")) {
            Ok(data) => data,
            Err(error) => {
                source.defect("filename", format!("cannot be read: {error}"));
                return None;
            }
        },
        Some(other) => {
            source.defect(other, "the proxy does not take a format from here");
            return None;
        }
        None => {
            source.defect("specifier", "must be set");
            return None;
        }
    };
    text(reader, "text_format_source", &data, omit)
}

fn json(reader: &Reader<'_>, omit: bool) -> Option<Substitution> {
    let object = reader.message("json_format")?;
    object.ignore_all();
    match JsonFormat::parse(&to_json(object.raw()), omit) {
        Ok(format) => Some(Substitution::Json(format)),
        Err(error) => {
            reader.defect("json_format", error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defects, from_json};

    fn read(value: &serde_json::Value) -> Result<Substitution, String> {
        let message = from_json("envoy.config.core.v3.SubstitutionFormatString", value).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "log_format", &defects);
        let read = Substitution::read(&reader);
        drop(reader);
        defects.verdict(read).map_err(|defects| defects[0].to_string())
    }

    #[test]
    fn every_kind_of_format_is_read() {
        assert!(matches!(read(&json!({"text_format": "%PROTOCOL%\n"})), Ok(Substitution::Text(_))));
        assert!(matches!(
            read(&json!({"text_format_source": {"inline_string": "%PROTOCOL%"}})),
            Ok(Substitution::Text(_))
        ));
        let json = json!({"json_format": {"a": "%PROTOCOL%", "b": {"c": 1}}, "omit_empty_values": true});
        assert!(matches!(read(&json), Ok(Substitution::Json(_))));
    }

    #[test]
    fn a_wrong_format_is_a_defect_at_its_field() {
        let error = read(&json!({"json_format": {"a": {"b": "%NOPE%"}}})).unwrap_err();
        assert_eq!(error, "log_format.json_format: a: b: there is no operator NOPE");
        let error = read(&json!({"text_format_source": {"inline_string": "%"}})).unwrap_err();
        assert!(error.starts_with("log_format.text_format_source: no operator can be read at position 0"), "{error}");
    }
}

//! `envoy.type.tracing.v3.CustomTag`: what a span or an access log entry tells beside the usual.

use super::format::{Format, FormatContext, Piece};
use crate::proto::Reader;

/// A tag and where its value comes from.
#[derive(Debug, Clone)]
pub struct CustomTag {
    /// Name of the tag.
    pub tag: String,
    value: TagValue,
}

#[derive(Debug, Clone)]
enum TagValue {
    /// The same for all; none: the tag is left out.
    Fixed(Option<String>),
    /// A format, and what counts when it yields nothing.
    Format(Format, String),
}

impl CustomTag {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let tag = reader.need_text("tag");
        let value = match reader.choice("type").as_deref() {
            Some("literal") => Some(TagValue::Fixed(Some(reader.message("literal")?.text("value")))),
            Some("environment") => {
                let variable = reader.message("environment")?;
                let default = variable.opt_text("default_value");
                let value = super::format::variable(&variable.text("name")).or(default);
                Some(TagValue::Fixed(value))
            }
            Some("request_header") => {
                let header = reader.message("request_header")?;
                let default = header.text("default_value");
                format(&header, "name", &format!("%REQ({})%", header.text("name")), default)
            }
            Some("metadata") => metadata(&reader.message("metadata")?),
            Some("value") => format(reader, "value", &reader.text("value"), String::new()),
            _ => {
                reader.defect("type", "must be set");
                None
            }
        };
        Some(Self { tag: tag?, value: value? })
    }

    /// The value for these facts; none: the span or entry does not have the tag.
    pub fn value(&self, context: &FormatContext<'_>) -> Option<String> {
        match &self.value {
            TagValue::Fixed(value) => value.clone(),
            TagValue::Format(format, default) => {
                let text = match format.single(context) {
                    Some(Piece::None) => String::new(),
                    _ => format.text(context),
                };
                let text = if text.is_empty() { default.clone() } else { text };
                (!text.is_empty()).then_some(text)
            }
        }
    }
}

fn format(reader: &Reader<'_>, field: &str, text: &str, default: String) -> Option<TagValue> {
    match Format::parse(text) {
        Ok(format) => Some(TagValue::Format(format.omit_empty(), default)),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

/// Metadata by kind and path, as the operators of formats name it.
fn metadata(reader: &Reader<'_>) -> Option<TagValue> {
    let default = reader.text("default_value");
    let kind = reader.message("kind");
    let operator = match kind.as_ref().and_then(|kind| kind.choice("kind")).as_deref() {
        None | Some("request") => "DYNAMIC_METADATA",
        Some("cluster") => "CLUSTER_METADATA",
        Some("host") => "UPSTREAM_METADATA",
        Some("route") => "METADATA",
        Some(other) => {
            reader.defect("kind", format!("the proxy does not have metadata of the kind {other}"));
            return None;
        }
    };
    if let Some(kind) = &kind {
        // The kinds have no fields of their own.
        kind.ignore(&["request", "route", "cluster", "host"]);
    }
    let key = reader.need("metadata_key")?;
    let mut path = vec![key.need_text("key")?];
    for segment in key.list("path") {
        path.push(segment.need_text("key")?);
    }
    if path.iter().any(|part| part.contains([':', ')', '%'])) {
        key.defect("path", "names with a colon, a parenthesis or a percent sign cannot be looked up");
        return None;
    }
    let prefix = if operator == "METADATA" { "ROUTE:" } else { "" };
    format(reader, "metadata_key", &format!("%{operator}({prefix}{})%", path.join(":")), default)
}

/// Reads a list of tags; none when one is wrong.
pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<CustomTag>> {
    let all: Vec<Option<CustomTag>> = readers.iter().map(CustomTag::read).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};
    use crate::stream::{Connection, StreamInfo};

    fn value(tag: &Value) -> Result<Option<String>, String> {
        let message = from_json("envoy.type.tracing.v3.CustomTag", tag).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "tag", &defects);
        let tag = CustomTag::read(&reader);
        drop(reader);
        let tag = defects.verdict(tag).map_err(|defects| defects[0].to_string())?;
        let address = "127.0.0.1:1".parse().unwrap();
        let connection = Connection::plain(address, address);
        let mut info = StreamInfo::begin();
        info.metadata.insert("istio".into(), json!({"a": {"b": "deep"}}));
        Ok(tag.value(&FormatContext::new(&connection, &info)))
    }

    #[test]
    fn values_come_from_where_the_tag_says() {
        let is = |tag: Value, expected: Option<&str>| assert_eq!(value(&tag).unwrap().as_deref(), expected, "{tag}");
        is(json!({"tag": "t", "literal": {"value": "v"}}), Some("v"));
        is(json!({"tag": "t", "request_header": {"name": "x-a", "default_value": "d"}}), Some("d"));
        is(json!({"tag": "t", "request_header": {"name": "x-a"}}), None);
        is(json!({"tag": "t", "environment": {"name": "NOT_THERE", "default_value": "e"}}), Some("e"));
        is(json!({"tag": "t", "value": "%RESPONSE_CODE%"}), Some("0"));
        let path = json!({"key": "istio", "path": [{"key": "a"}, {"key": "b"}]});
        is(json!({"tag": "t", "metadata": {"kind": {"request": {}}, "metadata_key": path}}), Some("deep"));
        assert!(value(&json!({"tag": "t"})).unwrap_err().starts_with("tag.type"));
    }
}

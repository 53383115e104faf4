//! Direct responses.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::http::Reply;
use crate::proto::Reader;
use crate::stream::Exchange;
use crate::telemetry::format::{FormatContext, Substitution};

/// Largest body of a direct response unless the table says otherwise (Envoy's default).
pub(super) const BODY_LIMIT: u64 = 4096;

/// `DirectResponseAction`.
#[derive(Debug, Clone)]
pub struct DirectResponse {
    /// Status code.
    pub status: StatusCode,
    /// Body, empty for none.
    pub body: Bytes,
    /// What is made of the body for each request.
    format: Option<BodyFormat>,
}

#[derive(Debug, Clone)]
struct BodyFormat {
    format: Substitution,
    content_type: Option<HeaderValue>,
}

impl BodyFormat {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.opt_text("content_type");
        let format = Substitution::read(reader)?;
        // Text has the type that the route's header edits give it, if any.
        let default = matches!(format, Substitution::Json(_)).then(|| "application/json".to_string());
        let content_type = kind.or(default).map(HeaderValue::try_from).transpose();
        if content_type.is_err() {
            reader.defect("content_type", "is no value of a header field");
        }
        Some(Self { format, content_type: content_type.ok()? })
    }
}

impl DirectResponse {
    /// Reads the message; bodies are at most `limit` bytes.
    pub fn read(reader: &Reader<'_>, limit: u64) -> Option<Self> {
        let status = reader.u32("status").unwrap_or(0);
        let code = u16::try_from(status).ok().filter(|code| (200..600).contains(code));
        let Some(status) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
            reader.defect("status", "must be from 200 to 599");
            return None;
        };
        let format = match reader.message("body_format") {
            Some(format) => Some(BodyFormat::read(&format)?),
            None => None,
        };
        let body = match reader.message("body") {
            Some(source) => read_body(&source, limit)?,
            None => Bytes::new(),
        };
        Some(Self { status, body, format })
    }

    /// The answer to this request.
    pub fn reply(&self, exchange: &Exchange) -> Reply {
        let mut reply = Reply::new(self.status, "direct_response", self.body.clone());
        if let Some(BodyFormat { format, content_type }) = &self.format {
            let text = String::from_utf8_lossy(&self.body);
            let context = FormatContext { local_reply_body: &text, ..FormatContext::of(exchange) };
            let mut body = String::new();
            format.render(&context, &mut body);
            reply.body = body.into();
            reply.content_type.clone_from(content_type);
        }
        reply
    }
}

fn read_body(source: &Reader<'_>, limit: u64) -> Option<Bytes> {
    let body: Bytes = match source.choice("specifier").as_deref() {
        Some("inline_string") => source.text("inline_string").into(),
        Some("inline_bytes") => source.bytes("inline_bytes"),
        Some("filename") => {
            let name = source.text("filename");
            match std::fs::read(&name) {
                Ok(bytes) => bytes.into(),
                Err(error) => {
                    source.defect("filename", format!("{name} cannot be read: {error}"));
                    return None;
                }
            }
        }
        Some("environment_variable") => {
            let name = source.text("environment_variable");
            #[allow(clippy::disallowed_methods)] // The configuration names the variable.
            match std::env::var(&name) {
                Ok(value) => value.into(),
                Err(_) => {
                    source.defect("environment_variable", format!("the environment variable {name} is not set"));
                    return None;
                }
            }
        }
        _ => {
            source.defect("", "says no source");
            return None;
        }
    };
    if body.len() as u64 > limit {
        source.defect("", format!("the response body has {} bytes; the most is {limit}", body.len()));
        return None;
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::read;
    use super::*;

    #[test]
    fn bodies_are_made_for_the_request() {
        let config = json!({"status": 200, "body": {"inline_string": "hi"},
            "body_format": {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY% %REQ(:PATH)%"}, "content_type": "a/b"}});
        let direct =
            read("envoy.config.route.v3.DirectResponseAction", &config, |reader| DirectResponse::read(reader, 5));
        let reply = direct.unwrap().reply(&super::super::tests::exchange("GET", "h", "/p", &[]));
        assert_eq!((reply.body, reply.content_type), ("hi /p".into(), Some(HeaderValue::from_static("a/b"))));
    }

    #[test]
    fn bodies_are_limited() {
        let direct = |config| {
            read("envoy.config.route.v3.DirectResponseAction", &config, |reader| DirectResponse::read(reader, 5))
        };
        assert_eq!(direct(json!({"status": 200, "body": {"inline_string": "hello"}})).unwrap().body, "hello");
        assert!(direct(json!({"status": 200, "body": {"inline_string": "hello!"}})).is_err());
        assert!(direct(json!({"status": 600})).is_err() && direct(json!({"status": 101})).is_err());
        assert!(direct(json!({"status": 503})).unwrap().body.is_empty());
    }
}

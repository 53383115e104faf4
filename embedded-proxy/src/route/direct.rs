//! Direct responses.

use bytes::Bytes;
use http::StatusCode;

use crate::proto::Reader;

/// Largest body of a direct response unless the table says otherwise (Envoy's default).
pub(super) const BODY_LIMIT: u64 = 4096;

/// `DirectResponseAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectResponse {
    /// Status code.
    pub status: StatusCode,
    /// Body, empty for none.
    pub body: Bytes,
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
        let body = match reader.message("body") {
            Some(source) => read_body(&source, limit)?,
            None => Bytes::new(),
        };
        Some(Self { status, body })
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
